"""Neural spline flows."""

import keras
import numpy as np

from tfflows import bijectors, networks
from tfflows.models import images, vectors
from tfflows.models.flow_model import FlowModel
from tfflows.ops import masks
from tfflows.ops.elementwise import RationalQuadraticSpline

KINDS = ("coupling", "autoregressive")


@keras.saving.register_keras_serializable("tfflows")
class NeuralSplineFlow(FlowModel):
    """Rational-quadratic splines over a standard normal, by coupling or autoregressive, for events of any shape.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), learned tails
    (`bijectors.TailTransform`), then `num_layers` layers of splines, with a mixing of the entries between them.
    `kind="coupling"` takes `bijectors.SplineCoupling`: each copies one half and transforms the other, the halves swap
    from one to the next, and samples are as fast as log-probabilities. `kind="autoregressive"` takes
    `bijectors.AutoregressiveSpline` with a `networks.MADE` each, the order turned round from one to the next: more
    expressive a layer, and samples take `D` steps.

    A spline acts on `[-box, box]`. Before it, shift and scale are conditioned too (`affine`), so that what lies outside
    moves with the condition: with the learned tails, targets whose tails are heavier or lighter than a normal's are
    fitted, where linear tails of slope 1 are not enough.

    Args:
      event_shape: shape of an event, 2 entries or more (1 or more for `kind="autoregressive"`); `None` to learn it
        from the first `fit`.
      kind: "coupling" or "autoregressive".
      num_layers: int; at least 2 couplings, at least 1 autoregressive layer.
      hidden_units: widths of the hidden layers of each conditioner.
      bins: int, at least 2, of each spline.
      box: float, half of the side of the splines' box, in standard deviations.
      affine: bool, shift and scale before each spline.
      tails: bool, learned tails.
      mixing: what stands between layers: "lu", "householder", "permutation" or "none", see `models.vectors.mixing`.
      residual: bool, skip connections in the conditioners, between hidden layers of equal width.
      context_size: int, size of a float context that every conditioner receives; `None` for none.
      num_classes: int, number of classes for a class-conditional flow; `None` for none.
      activation: hidden activation.
      seed: int, of the permutations and the initial weights; `None` takes the weights from Keras's global seed.
      name: str.
      dtype: Keras precision policy.

    Raises:
      ValueError: an event that is too small or not known, sizes below 1, fewer than 2 bins, unknown names, a bad
        context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import NeuralSplineFlow
    >>> flow = NeuralSplineFlow(event_shape=(2,), num_layers=2, hidden_units=(16,), bins=4)
    >>> flow.compile("adam")
    >>> history = flow.fit(np.random.default_rng(0).normal(size=(256, 2)).astype("float32"), verbose=0)
    >>> flow.sample(5, seed=0).shape.as_list()
    [5, 2]

    References:
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032.
    """

    def __init__(
        self,
        event_shape=None,
        *,
        kind="coupling",
        num_layers=5,
        hidden_units=(128, 128),
        bins=8,
        box=5.0,
        affine=True,
        tails=True,
        mixing="lu",
        residual=True,
        context_size=None,
        num_classes=None,
        activation="relu",
        seed=None,
        name="neural_spline_flow",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        if kind not in KINDS:
            raise ValueError(f"`kind` must be one of {KINDS}. Received: {kind!r}")
        networks.at_least_one(num_layers=num_layers, hidden_units=tuple(hidden_units))
        if kind == "coupling" and num_layers < 2:
            raise ValueError(
                f"`num_layers` must be at least 2, or one half is never transformed. Received: {num_layers}"
            )
        vectors.check_mixing(mixing)
        self._num_parameters = RationalQuadraticSpline(bins, box, affine=affine).num_parameters
        self.kind, self.num_layers, self.hidden_units = kind, num_layers, tuple(hidden_units)
        self.bins, self.box, self.affine, self.tails = bins, float(box), affine, tails
        self.mixing, self.residual = mixing, residual
        self.activation = keras.activations.get(activation)
        self.seed = seed
        if event_shape is not None:
            self.build((None, *event_shape))

    def make_distribution(self, event_shape):
        dtype = images.bijection_dtype(self.dtype_policy)
        size = vectors.flat_size(event_shape, least=2 if self.kind == "coupling" else 1)
        rng = np.random.default_rng(self.seed or 0)
        links = [bijectors.TailTransform([size], dtype=dtype.name, name="tails")] if self.tails else []
        for i in range(self.num_layers):
            links += vectors.mixing(self.mixing, i, size, rng=rng, dtype=dtype)
            links.append((self._coupling if self.kind == "coupling" else self._autoregressive)(i, size))
        return vectors.distribution(event_shape, links, dtype=dtype, name=self.name)

    def _coupling(self, i, size):
        mask = masks.half(size, flip=i % 2 == 1)
        network = networks.MLP(self._num_parameters * int((~mask).sum()), **self._network_options(i))
        return bijectors.SplineCoupling(mask, network, **self._spline_options(), name=f"coupling_{i}")

    def _autoregressive(self, i, size):
        options = {"num_outputs": self._num_parameters, "order": "reversed" if i % 2 else "sequential"}
        network = networks.MADE(size, **options, **self._network_options(i))
        return bijectors.AutoregressiveSpline(network, **self._spline_options(), name=f"layer_{i}")

    def _spline_options(self):
        return {"bins": self.bins, "box": self.box, "affine": self.affine}

    def _network_options(self, i):
        return {
            "hidden_units": self.hidden_units,
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": self.activation,
            "residual": self.residual,
            "spread_biases": True,
            "seed": None if self.seed is None else self.seed + 1000 * i,
            "dtype": self.dtype_policy,
            "name": f"conditioner_{i}",
        }

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "event_shape": None if self._flow is None else list(self.event_shape),
            "kind": self.kind,
            "num_layers": self.num_layers,
            "hidden_units": list(self.hidden_units),
            "bins": self.bins,
            "box": self.box,
            "affine": self.affine,
            "tails": self.tails,
            "mixing": self.mixing,
            "residual": self.residual,
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "seed": self.seed,
        }
