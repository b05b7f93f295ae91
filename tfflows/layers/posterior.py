"""Posterior layers, features in, a latent out, its divergence from the prior in the loss: their base, the plain one."""

import warnings

import keras
import tensorflow as tf

from tfflows import bijectors
from tfflows.arguments import check_choice, check_integer, check_number
from tfflows.joint import as_called, keras_bijector, serialization
from tfflows.joint.as_called import Rows
from tfflows.joint.configs import ConfiguredLayer
from tfflows.joint.context_standardization import ContextStandardization
from tfflows.joint.weights import adopt
from tfflows.layers import priors
from tfflows.ops import numerics, seeds

_LOG_SCALE_LIMIT = 10.0  # scales of the base from 4.5e-5 to 2.2e4: all their squares are float32 numbers


class Posterior(ConfiguredLayer):
    """Base of amortised posteriors `q(z | h)`: a diagonal Gaussian, then a chain of bijectors that sees the features.

    With features `h` `[..., F]`, `(mean, raw) = W h + b` and `e ~ N(0, I)`:

    * `z_0 = mean + exp(log_scale) e`, `log_scale = 10 tanh(raw / 10)`
    * `z = forward(z_0; h)`, the composition of `make_bijectors`
    * `log q(z | h) = log N(e; 0, I) - sum(log_scale) - log|det dz/dz_0|`

    so that a draw costs one forward pass of each bijector, its inverse never. Called on features it returns `z` and
    adds `beta KL(q || prior)`, averaged over all leading axes, with `add_loss`. Keras treats that like a loss of
    `compile`: on several replicas each averages over its own examples, and the mean of these averages is trained on.
    `sample_weight` does not reach it. The divergence is estimated as `log q(z | h) - log p(z)` with that one draw, or
    in closed form where there is one.

    **Free bits.** With `free_bits = a > 0` the divergence costs nothing below `a` nats per latent dimension:
    `beta sum_j max(a |j|, mean KL_j)` over groups `j` of `|j|` dimensions, the mean over the batch inside the maximum.
    A group is one dimension where the divergence is a sum over dimensions (a diagonal Gaussian and a standard normal
    prior), and the whole vector elsewhere.

    **Features in raw units.** With `standardize=True` heads and bijectors see `(h - location) / scale`, set from data
    once by `adapt(features)` and never trained: for numbers that no encoder of yours has made, such as measurements.
    `fit` of a `models.VariationalAutoencoder` calls it, a Keras model of your own does not: a layer that was not
    adapted says so in a warning when it is called.

    Linear maps, noise, bijections and densities are float32 (float64 under "float64"); networks of the bijectors
    follow the layer's precision policy. `z` is float32 and is cast by the layer that takes it.

    Subclasses write `make_bijectors`, and `least_latent_size` where one dimension is too few.

    Args:
      latent_size: int, `D`.
      beta: float >= 0, weight of the divergence. A variable of the layer, `layer.beta`, that is saved with the model
        and may be assigned during training (`callbacks.KLWarmUp`).
      free_bits: float >= 0, nats per latent dimension.
      return_log_q: bool, return the pair `(z, log q(z | h))` and add no loss.
      standardize: bool, whether features are standardised.
      prior: `tfd.Distribution` or `models.FlowModel` over `[D]`, trained with the layer; `None` for `N(0, I)`.
      seed: int or `None`, of the noise when a call gives none, and of the initial weights.
      **kwargs: of `keras.layers.Layer`.

    Call arguments:
      features: floating `Tensor` `[..., F]`, one batch axis at least, `F` known.
      num_samples: int, independent draws for each example; `None` for one without an axis of its own.
      seed: int, or an integer `Tensor` `[2]`, for a draw that can be repeated.

    Returns:
      `z` `[..., D]`, or `[num_samples, ..., D]`; with `return_log_q` also `log q(z | h)`, nats, without the last.

    Raises:
      ValueError: a latent size that is not an integer or too small, a negative weight, a prior over other events, or
        features of another or an unknown size.

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770. Kingma, Salimans,
      Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse autoregressive flow. NeurIPS
      2016, arXiv 1606.04934 (free bits).
    """

    least_latent_size = 1
    """The smallest latent that the bijectors do something to."""

    def __init__(
        self,
        latent_size,
        *,
        beta=1.0,
        free_bits=0.0,
        return_log_q=False,
        standardize=False,
        prior=None,
        seed=None,
        dtype=None,
        **kwargs,
    ):
        super().__init__(dtype=dtype, autocast=False, **kwargs)
        if latent_size == 1 < self.least_latent_size:
            raise ValueError(
                f"`latent_size` must be an integer of at least {self.least_latent_size}. Received: 1; "
                "GaussianPosterior, PlanarPosterior, RadialPosterior and SylvesterPosterior take 1"
            )
        check_integer(self.least_latent_size, latent_size=latent_size)
        check_number(0, beta=beta, free_bits=free_bits)
        check_choice((True, False), standardize=standardize)
        priors.check(prior, latent_size)
        self.latent_size, self.free_bits, self.return_log_q = latent_size, float(free_bits), return_log_q
        self.seed, self.prior, self.standardize = seed, prior, standardize
        self.standardization, self._warned = None, False
        self.prior_layers = priors.layers_of(prior)
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.initial_beta = float(beta)
        self.beta = self.add_weight((), keras.initializers.Constant(beta), "float32", trainable=False, name="beta")

    def make_bijectors(self, context_size):
        """Subclasses: bijectors of events `[D]`, data end first, each given the features `[..., context_size]`.

        Their layers are built, and those that compute in half precision take `self.dtype_policy`.
        """
        return []

    def build(self, input_shape):
        size = input_shape[-1]
        if size is None:
            raise ValueError(f"{self.name} needs features of a known size. Received: shape {tuple(input_shape)}")
        self.context_size = size
        with keras_bijector.outside_scratch_graphs():
            kernel = keras.initializers.GlorotUniform(seed=self.seed)
            self.heads = keras.layers.Dense(
                2 * self.latent_size, kernel_initializer=kernel, dtype=self.event_dtype, name="heads"
            )
            self.heads.build((None, size))
            if self.standardize:
                self.standardization = ContextStandardization(size, name=f"{self.name}_features")
            links = self.make_bijectors(size)
            self.flow = bijectors.Chain(links) if links else None
            self.flow_layers = adopt(self.flow) if links else []

    def call(self, features, num_samples=None, seed=None):
        if self.standardize and not self._warned:
            with tf.init_scope():
                self._warned = not self.adapted
            if self._warned:
                warnings.warn(f"{self.name} was never adapted: call `adapt(features)` first", stacklevel=2)
        if self.return_log_q:
            return self.draw(features, num_samples=num_samples, seed=seed)
        z, divergence = self.draw_with_divergence(features, num_samples=num_samples, seed=seed)
        self.add_loss(self.penalty(divergence))
        return z

    @property
    def event_dtype(self):
        """Dtype of `z` and of all densities, whatever the precision policy: its name."""
        return "float64" if self.variable_dtype == "float64" else "float32"

    def _of_features(self, features, *, num_samples=None, seed=None, **others):
        """What a method of features is called with, checked."""
        if not self.built or not isinstance(num_samples, (int, type(None))):
            return None
        features = tf.convert_to_tensor(features)
        self._checked(features)
        seed = None if seed is None else seeds.stateless(seed)
        return {"features": Rows(features, 1), "num_samples": num_samples, "seed": seed, **others}

    @as_called.compiled(_of_features)
    def draw(self, features, *, num_samples=None, seed=None):
        """`(z, log q(z | h))`, see the class; no loss is added."""
        return self._draw(self._checked(features), num_samples, seed)[:2]

    @as_called.compiled(_of_features)
    def draw_with_divergence(self, features, *, prior=None, num_samples=None, seed=None):
        """`(z, divergence)`; no loss is added.

        Args:
          features, num_samples, seed: see the class.
          prior: in the place of the layer's own.

        Returns:
          `z` `[..., D]` and estimates of `KL(q || prior)` by groups, nats `[..., groups]` (`[num_samples, ...]` when
          there are so many draws and no closed form): their sum over the last axis is the divergence.
        """
        z, log_q, mean, log_scale = self._draw(self._checked(features), num_samples, seed)
        prior = self.prior if prior is None else prior
        return z, self._divergence(z, log_q, mean, log_scale, prior)

    def penalty(self, divergence):
        """What is added to the loss for a divergence by groups `[..., groups]`: a scalar, see the class."""
        mean = numerics.batch_mean(divergence, 1)
        if self.free_bits:
            mean = tf.maximum(mean, self.free_bits * self.latent_size / divergence.shape[-1])
        return tf.cast(self.beta, mean.dtype) * tf.reduce_sum(mean)

    def _divergence(self, z, log_q, mean, log_scale, prior):
        return (log_q - priors.log_prob(prior, z))[..., None]

    def _draw(self, features, num_samples, seed):
        mean, raw = tf.split(self.heads(features), 2, axis=-1)
        log_scale = _LOG_SCALE_LIMIT * tf.tanh(raw / _LOG_SCALE_LIMIT)
        shape = tf.shape(mean) if num_samples is None else tf.concat([[num_samples], tf.shape(mean)], axis=0)
        seed = seeds.stateless(self.seed_generator if seed is None else seed)
        e = tf.random.stateless_normal(shape, seed, dtype=mean.dtype)
        draws = num_samples if isinstance(num_samples, int) else None
        e = tf.ensure_shape(e, mean.shape if num_samples is None else [draws, *mean.shape])
        z = mean + tf.exp(log_scale) * e
        log_q = priors.log_prob(None, e) - tf.reduce_sum(log_scale, axis=-1)
        if self.flow is not None:
            z, log_det = self.flow.forward_and_log_det(z, context=features)
            log_q -= log_det
        return z, log_q, mean, log_scale

    def _checked(self, features, raw=False):
        features = tf.convert_to_tensor(features)
        if not self.built:
            self.build(features.shape)
        if features.shape.rank is None or features.shape.rank < 1 or features.shape[-1] != self.context_size:
            raise ValueError(
                f"{self.name} was built for features of size {self.context_size}. Received: shape {features.shape}"
            )
        if raw or self.standardization is None:
            return tf.cast(features, self.event_dtype)
        return self.standardization.standardised(features, self.event_dtype)

    @property
    def adapted(self):
        """Whether `adapt` has run, or features are not standardised."""
        return not self.standardize or (self.standardization is not None and self.standardization.adapted)

    def adapt(self, features):
        """Sets location and scale from features `[n, F]`, unless that was done before.

        Raises:
          ValueError: features that are not standardised, or none, or not finite.
        """
        if not self.standardize:
            raise ValueError(f"{self.name} must have `standardize=True` to adapt. Received: standardize=False")
        features = self._checked(features, raw=True)  # builds
        self.standardization.adapt(features)

    def compute_output_spec(self, features, num_samples=None, seed=None):
        batch = (*(() if num_samples is None else (num_samples,)), *features.shape[:-1])
        z = keras.KerasTensor((*batch, self.latent_size), dtype=self.event_dtype)
        return (z, keras.KerasTensor(batch, dtype=self.event_dtype)) if self.return_log_q else z

    def compute_output_shape(self, input_shape):
        batch = tuple(input_shape[:-1])
        return ((*batch, self.latent_size), batch) if self.return_log_q else (*batch, self.latent_size)

    def kept_arguments(self):
        prior = None if self.prior is None else serialization.serialize(self.prior)
        return {**super().kept_arguments(), "beta": self.initial_beta, "prior": prior}

    @classmethod
    def from_config(cls, config):
        if isinstance(config.get("prior"), dict):
            config = {**config, "prior": serialization.deserialize(config["prior"])}
        return super().from_config(config)


@keras.saving.register_keras_serializable("tfflows")
class GaussianPosterior(Posterior):
    """`q(z | h) = N(mean, diag(scale^2))`: the posterior of the plain variational autoencoder, no bijectors.

    With the standard normal prior the divergence is exact, a sum over dimensions:

        KL_j = (mean_j^2 + scale_j^2 - 1) / 2 - log scale_j        (nats)

    Args, call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import keras, tensorflow as tf
    >>> from tfflows.layers import GaussianPosterior
    >>> posterior = GaussianPosterior(2, seed=0)
    >>> posterior(tf.ones([8, 5])).shape.as_list(), len(posterior.losses)
    ([8, 2], 1)
    >>> z, log_q = GaussianPosterior(2, return_log_q=True)(tf.ones([8, 5]), num_samples=64)
    >>> z.shape.as_list(), log_q.shape.as_list()
    ([64, 8, 2], [64, 8])

    References:
      Kingma, Welling. Auto-encoding variational Bayes. ICLR 2014, arXiv 1312.6114, appendix B.
    """

    def _divergence(self, z, log_q, mean, log_scale, prior):
        if prior is not None:
            return super()._divergence(z, log_q, mean, log_scale, prior)
        return 0.5 * (mean**2 + tf.exp(2 * log_scale) - 1) - log_scale
