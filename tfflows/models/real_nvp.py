"""RealNVP for vector events."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models.flow_model import FlowModel
from tfflows.ops import masks

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tfflows")
class RealNVP(FlowModel):
    """RealNVP: affine couplings with alternating halves, between them permutations, over a standard normal.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), then `num_layers`
    affine couplings. Each copies one half and transforms the other; the halves swap from one to the next, and for
    more than 2 dimensions a fixed random permutation follows every second one.

    Args:
      event_shape: `(D,)` with `D >= 2`; `None` to learn it from the first `fit`.
      num_layers: int >= 2, number of couplings.
      hidden_units: widths of the hidden layers of each conditioner.
      context_size: int, size of a float context that every conditioner receives; `None` for none.
      num_classes: int, number of classes for a class-conditional flow; `None` for none.
      activation: hidden activation of the conditioners.
      residual: bool, skip connections in the conditioners.
      log_scale_bound: see `ops.numerics.log_scale_bound`.
      seed: int, of the permutations and the initial weights; `None` takes the weights from Keras's global seed.
      name: str.
      dtype: Keras precision policy.

    Raises:
      ValueError: an event that is not a vector of 2 or more, fewer than 2 layers, a bad context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import RealNVP
    >>> flow = RealNVP(event_shape=(2,), num_layers=4, hidden_units=(32,))
    >>> flow.compile("adam")
    >>> history = flow.fit(np.random.default_rng(0).normal(size=(256, 2)).astype("float32"), verbose=0)
    >>> flow.sample(5, seed=0).shape.as_list()
    [5, 2]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    def __init__(
        self,
        event_shape=None,
        *,
        num_layers=8,
        hidden_units=(64, 64),
        context_size=None,
        num_classes=None,
        activation="relu",
        residual=False,
        log_scale_bound="tanh",
        seed=None,
        name="real_nvp",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        if not isinstance(num_layers, int) or num_layers < 2:
            raise ValueError(f"`num_layers` must be an integer of at least 2. Received: {num_layers!r}")
        self.num_layers = num_layers
        self.hidden_units = tuple(hidden_units)
        self.activation = keras.activations.get(activation)
        self.residual = residual
        self.log_scale_bound = log_scale_bound
        self.seed = seed
        if event_shape is not None:
            self.build((None, *event_shape))

    def make_distribution(self, event_shape):
        if len(event_shape) != 1 or event_shape[0] is None or event_shape[0] < 2:
            raise ValueError(f"`event_shape` must be (D,) with D of at least 2. Received: {event_shape}")
        size = event_shape[0]
        dtype = _bijection_dtype(self.dtype_policy)
        rng = np.random.default_rng(self.seed or 0)
        links = [bijectors.ActNorm(event_shape, trainable=False, dtype=dtype.name, name="standardize")]
        for i in range(self.num_layers):
            mask = masks.half(size, flip=i % 2 == 1)
            links.append(
                bijectors.AffineCoupling(
                    mask,
                    self._conditioner(2 * int((~mask).sum()), i),
                    log_scale_bound=self.log_scale_bound,
                    name=f"coupling_{i}",
                )
            )
            if size > 2 and i % 2 == 1 and i + 1 < self.num_layers:
                links.append(bijectors.Permutation(rng.permutation(size), name=f"permutation_{i}"))
        base = tfd.Sample(tfd.Normal(tf.zeros([], dtype), tf.ones([], dtype)), sample_shape=[size])
        return tfd.TransformedDistribution(base, bijectors.Chain(links), name=self.name)

    def _conditioner(self, units, i):
        return networks.MLP(
            units,
            hidden_units=self.hidden_units,
            context_size=self.context_size,
            num_classes=self.num_classes,
            activation=self.activation,
            residual=self.residual,
            seed=None if self.seed is None else self.seed + 1000 * i,
            dtype=self.dtype_policy,
            name=f"conditioner_{i}",
        )

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "event_shape": None if self._flow is None else list(self.event_shape),
            "num_layers": self.num_layers,
            "hidden_units": list(self.hidden_units),
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "residual": self.residual,
            "log_scale_bound": self.log_scale_bound,
            "seed": self.seed,
        }


def _bijection_dtype(policy):
    """float64 for a float64 policy, else float32: half precision is for conditioners only."""
    return tf.float64 if policy.variable_dtype == "float64" else tf.float32
