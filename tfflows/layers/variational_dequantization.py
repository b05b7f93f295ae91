"""Variational dequantization: a flow as the distribution of the noise."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.arguments import check_integer, check_sizes
from tfflows.joint.weights import adopt
from tfflows.layers.dequantization import Dequantization
from tfflows.ops import masks, numerics, seeds

tfb, tfd = tfp.bijectors, tfp.distributions


@keras.saving.register_keras_serializable("tfflows")
class VariationalDequantization(Dequantization):
    """`u = Phi(f(e; h(x)))`, `e ~ N(0, I)`: a conditional flow `q(u | x)` that is trained with the density.

    `log q(u | x) = log N(e) - log|det du/de|`, `Phi` the distribution function of the standard normal. The couplings
    start as the identity, so the noise starts exactly uniform, and learns to put `x + u` where the density is high.
    (Flow++ ends with a sigmoid, which starts further from uniform and hardly reaches the ends of the interval.)

    `f` is a chain of affine couplings with checkerboard masks whose networks see features `h(x)` of the image at every
    pixel; `h` is a convolutional network.

    Args:
      image_shape: `(H, W, C)` of the images.
      levels, **kwargs: see `Dequantization`.
      num_couplings: int >= 2.
      hidden_filters: filters of the hidden layers of every network.
      feature_filters: int, size of `h(x)` at a pixel.
      seed: int or `None`, of the noise when a call gives none, and of the initial weights.
      dtype: Keras precision policy of the networks; noise and its density are float32 (float64 under "float64").

    Raises:
      ValueError: an unknown image shape, fewer than 2 couplings.

    Example:

    >>> import numpy as np
    >>> from tfflows.layers import VariationalDequantization
    >>> layer = VariationalDequantization((4, 4, 1), num_couplings=2, hidden_filters=(8,), feature_filters=4)
    >>> y, log_q = layer(np.full((2, 4, 4, 1), 7, "uint8"))
    >>> bool(((y >= 7) & (y < 8)).numpy().all()), log_q.shape.as_list()
    (True, [2])

    References:
      Ho, Chen, Srinivas, Duan, Abbeel. Flow++: improving flow-based generative models with variational dequantization
      and architecture design. ICML 2019, arXiv 1902.00275, section 3.1, equation 9.
    """

    def __init__(
        self, image_shape, levels=256, *, num_couplings=4, hidden_filters=(64, 64), feature_filters=32, **kwargs
    ):
        policy = keras.dtype_policies.get(kwargs.pop("dtype", None) or keras.config.dtype_policy())
        super().__init__(levels, dtype="float64" if policy.variable_dtype == "float64" else "float32", **kwargs)
        if len(image_shape) != 3:
            raise ValueError(f"`image_shape` must be (H, W, C). Received: {image_shape}")
        check_sizes(image_shape=tuple(image_shape))
        check_integer(2, num_couplings=num_couplings)
        self.image_shape, self.network_policy = tuple(image_shape), policy
        self.num_couplings, self.hidden_filters = num_couplings, tuple(hidden_filters)
        self.feature_filters = feature_filters
        self.features = self._network(feature_filters, seed=self.seed, name="features")
        self.features.build((None, *self.image_shape))
        self._flow = self._chain()
        self.flow_layers = adopt(self._flow)
        self.built = True

    def _network(self, filters, **options):
        return networks.ConvNet(filters, hidden_filters=self.hidden_filters, dtype=self.network_policy, **options)

    def _chain(self):
        links = [tfb.NormalCDF()]
        for i in range(self.num_couplings):
            options = {"context_size": self.feature_filters, "spatial_context": True, "name": f"noise_net_{i}"}
            net = self._network(2 * self.image_shape[-1], seed=seeds.plus(self.seed, 100 * (i + 1)), **options)
            mask = masks.checkerboard(self.image_shape, flip=i % 2 == 1)
            links.append(bijectors.AffineCoupling(mask, net, name=f"noise_coupling_{i}"))
        return bijectors.Chain(links, name="noise")

    @property
    def adapted(self):
        """Whether the normalization of the networks is initialised."""
        return self.features.adapted and self._flow.adapted

    def adapt(self, x):
        """Initialises the normalization of the networks from integers `x`, once."""
        if not self.adapted:
            reduced = self.reduced(x)
            self.features.adapt(self._scaled(reduced))
            u = tf.random.stateless_uniform(tf.shape(reduced), seeds.stateless(0), dtype=reduced.dtype)
            self._flow.adapt(numerics.above_zero(u), context=self._context(reduced))

    def noise(self, x, seed):
        e = tf.random.stateless_normal(tf.shape(x), seed, dtype=x.dtype)
        u, log_det = self._flow.forward_and_log_det(e, context=self._context(x))
        base = tfd.Sample(tfd.Normal(tf.zeros([], x.dtype), 1.0), self.image_shape)
        return u, base.log_prob(e) - log_det

    def _context(self, x):
        return tf.cast(self.features(self._scaled(x)), x.dtype)

    def _scaled(self, x):
        return x / (0.5 * self.kept_levels) - 1.0

    def kept_arguments(self):
        return {**super().kept_arguments(), "dtype": self.network_policy}
