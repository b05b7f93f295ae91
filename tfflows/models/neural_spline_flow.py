"""Neural spline flows."""

import keras

from tfflows import bijectors, networks
from tfflows.models import vectors
from tfflows.models.options import Option, shared
from tfflows.ops import masks
from tfflows.ops.elementwise import RationalQuadraticSpline


@keras.saving.register_keras_serializable("tfflows")
class NeuralSplineFlow(vectors.LayeredFlow):
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

    Raises:
      ValueError: an event that is too small or not known, sizes below 1, fewer than 2 bins, unknown names, a bad
        context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import NeuralSplineFlow
    >>> angle = np.random.default_rng(0).uniform(0, 6, (256, 1)).astype("float32")
    >>> flow = NeuralSplineFlow((2,), num_layers=2, hidden_units=(16,), bins=4, context_size=1)
    >>> flow.compile("adam")
    >>> history = flow.fit(np.hstack([np.cos(angle), np.sin(angle)]), angle, verbose=0)
    >>> flow.sample(5, context=[1.0], seed=0).shape.as_list()
    [5, 2]

    References:
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032.
    """

    options = {
        "event_shape": Option(
            None,
            'shape of an event, 2 entries or more (1 or more for `kind="autoregressive"`); `None` to learn it from the '
            "first `fit`.",
            convert=tuple,
        ),
        "kind": Option("coupling", '"coupling" or "autoregressive".', among=("coupling", "autoregressive")),
        "num_layers": Option(5, "int; at least 2 couplings, at least 1 autoregressive layer.", least=1),
        **shared("hidden_units", hidden_units=(128, 128)),
        "bins": Option(8, "int, at least 2, of each spline.", least=2),
        "box": Option(5.0, "float, half of the side of the splines' box, in standard deviations.", convert=float),
        "affine": Option(True, "bool, shift and scale before each spline."),
        **shared("tails", "whiten", "mixing", "residual", tails=True, mixing="lu", residual=True),
        **shared("context_size", "num_classes", "activation", "seed", "name", "dtype", name="neural_spline_flow"),
    }

    def check_options(self):
        if self.kind == "coupling" and self.num_layers < 2:
            raise ValueError(
                f"`num_layers` must be at least 2, or one half is never transformed. Received: {self.num_layers}"
            )
        RationalQuadraticSpline(self.bins, self.box, affine=self.affine)  # refuses a bad box

    @property
    def least_size(self):
        return 2 if self.kind == "coupling" else 1

    def layer(self, i, size, rng):
        spline = {"bins": self.bins, "box": self.box, "affine": self.affine}
        num_parameters = RationalQuadraticSpline(**spline).num_parameters
        network = {"spread_biases": True, **self.layer_network_options(i, "conditioner")}
        if self.kind == "coupling":
            mask = masks.half(size, flip=i % 2 == 1)
            conditioner = networks.MLP(num_parameters * int((~mask).sum()), **network)
            return bijectors.SplineCoupling(mask, conditioner, **spline, name=f"coupling_{i}")
        order = "reversed" if i % 2 else "sequential"
        conditioner = networks.MADE(size, num_outputs=num_parameters, order=order, **network)
        return bijectors.AutoregressiveSpline(conditioner, **spline, name=f"layer_{i}")
