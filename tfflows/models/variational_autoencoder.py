"""A variational autoencoder around any posterior layer."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from tfflows import export
from tfflows.datasets import batching
from tfflows.distributions import likelihoods
from tfflows.fitting import execution, inputs
from tfflows.joint import configs, keras_bijector
from tfflows.layers import Posterior, priors
from tfflows.ops import seeds

_BAD_EVENTS = "tfflows: data outside the support"


@keras.saving.register_keras_serializable("tfflows")
class VariationalAutoencoder(keras.Model):
    """`p(x) = E_{p(z)}[p(x | z)]`, trained by the evidence lower bound (ELBO) of a posterior `q(z | x)`.

        log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))        (nats)

    the reconstruction and the divergence. The encoder gives features `h(x)`, the posterior layer draws `z` from them,
    the decoder gives the parameters of the likelihood. Trained is `-reconstruction` plus the layer's penalty, the
    divergence with its `beta` and free bits; the metrics `elbo`, `reconstruction` and `kl` are without either.

    `vae(x)` and `predict` give one draw's estimates per example, a dict of those three. The bound gets tighter by
    importance weighting (`evaluation.importance_weighted(vae, data, num_draws=k)`, with its standard error).

    Args:
      encoder: Keras layer or model from `x` `[batch, *event_shape]` (as floats) to features `[batch, F]`.
      decoder: Keras layer or model from `z` `[batch, D]` to the parameters of the likelihood.
      posterior: `layers.Posterior` with `latent_size` `D`.
      prior: `tfd.Distribution` or flow (`models.FlowModel`) over `[D]`, trained along; `None` for the posterior's own,
        by default `N(0, I)`.
      likelihood: "bernoulli" (0 or 1), "categorical" or "discretized_logistic" (0 to 255), a
        `distributions.Likelihood`, or a function from parameters to a `tfd.Distribution` over events.
      name: str.
      dtype: Keras precision policy; the likelihood, `z` and its densities are float32 (or float64).

    Raises:
      TypeError: an encoder or decoder that is no layer, a posterior of another kind, an unknown kind of prior.
      ValueError: two priors, a prior over other events, an unknown likelihood. When it is built: features that are not
        `[batch, F]`, or a decoder whose parameters are not of events like `x`. From `fit`: data outside the support.

    Example:

    >>> import keras, numpy as np
    >>> from tfflows import layers, models
    >>> vae = models.VariationalAutoencoder(
    ...     keras.layers.Dense(8, activation="relu"), keras.layers.Dense(6), layers.GaussianPosterior(2)
    ... )
    >>> vae.compile("adam")
    >>> x = np.random.default_rng(0).integers(2, size=(64, 6)).astype("float32")
    >>> sorted(vae.fit(x, verbose=0).history)
    ['elbo', 'kl', 'loss', 'reconstruction']
    >>> vae.sample(3, seed=0).shape.as_list()
    [3, 6]

    References:
      Kingma, Welling. Auto-encoding variational Bayes. ICLR 2014, arXiv 1312.6114. Burda, Grosse, Salakhutdinov.
      Importance weighted autoencoders. ICLR 2016, arXiv 1509.00519.
    """

    def __init__(
        self,
        encoder,
        decoder,
        posterior,
        *,
        prior=None,
        likelihood="bernoulli",
        name="variational_autoencoder",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype, autocast=False)
        for what, part in {"encoder": encoder, "decoder": decoder}.items():
            if not isinstance(part, keras.layers.Layer):
                raise TypeError(f"`{what}` must be a Keras layer or model. Received: {part!r}")
        if not isinstance(posterior, Posterior):
            raise TypeError(f"`posterior` must be a tfflows.layers.Posterior. Received: {posterior!r}")
        priors.check(prior, posterior.latent_size)
        if prior is not None and posterior.prior is not None:
            raise ValueError("The prior is given once. Received: one for the model and one for its posterior")
        self.encoder, self.decoder, self.posterior = encoder, decoder, posterior
        self.own_prior, self.prior_layers = prior, priors.layers_of(prior)
        self.likelihood = likelihoods.get(likelihood)
        self.seed_generator = keras.random.SeedGenerator(posterior.seed)
        self.trackers = [keras.metrics.Mean(name=part) for part in ("elbo", "reconstruction", "kl")]

    def build(self, input_shape):
        with keras_bijector.outside_scratch_graphs():
            x = tf.zeros((1, *input_shape[1:]), self.posterior.event_dtype)
            z, _ = self.posterior.draw(self._features(x), seed=0)
            event = self._given(z).event_shape
        if not event.is_compatible_with(x.shape[1:]):
            raise ValueError(
                "The decoder must give the parameters of a distribution over events like x, of shape "
                f"{tuple(x.shape[1:])}. Received: one over events of shape {tuple(event)}"
            )
        self.data_shape = tuple(x.shape[1:])

    # -- what it does ------------------------------------------------------------------------------------------
    @property
    def prior(self):
        """The prior of `z`: a distribution, a flow, or `None` for a standard normal."""
        return self.posterior.prior if self.own_prior is None else self.own_prior

    def encode(self, x, *, seed=None):
        """Draws from the posterior, `[batch, D]`."""
        return self.posterior.draw(self._features(x), seed=seed)[0]

    def decode(self, z):
        """What stands for `p(x | z)`, `[batch, *event_shape]`: its mean, of levels their mode or median."""
        return self.likelihood.point(self._given(z))

    def reconstruct(self, x, *, seed=None):
        """`decode(encode(x))`."""
        return self.decode(self.encode(x, seed=seed))

    def sample(self, n, *, seed=None, temperature=1.0):
        """Draws from `p(x)`, `[n, *event_shape]`.

        Args:
          n: int.
          seed: int, or an integer `Tensor` `[2]`; the same seed gives the same samples.
          temperature: float > 0, scales latents about the mean of the prior, or of a flow's base.

        Raises:
          ValueError: a temperature that is not positive.
        """
        if isinstance(temperature, (int, float)) and temperature <= 0:
            raise ValueError(f"`temperature` must be positive. Received: {temperature}")
        first, second = tf.unstack(tf.random.split(seeds.stateless(self.seed_generator if seed is None else seed)))
        size, dtype = self.posterior.latent_size, self.posterior.event_dtype
        z = priors.sample(self.prior, n, size, dtype=dtype, seed=first, temperature=temperature)
        return self._given(z).sample(seed=second)

    def log_weights(self, x, *, num_samples=1, seed=None):
        """`log p(x | z) + log p(z) - log q(z | x)` of independent draws of `z`: nats `[num_samples, batch]`.

        The mean over draws estimates the ELBO, the logarithm of the mean of the exponentials a tighter bound.
        """
        x = self._floats(x)
        z, log_q = self.posterior.draw(self._features(x), num_samples=num_samples, seed=seed)
        flat = tf.reshape(z, [-1, self.posterior.latent_size])
        log_likelihood = self._given(flat).log_prob(tf.tile(x, [num_samples, *[1] * (x.shape.rank - 1)]))
        return tf.reshape(log_likelihood, tf.shape(log_q)) + priors.log_prob(self.prior, z) - log_q

    # -- Keras -------------------------------------------------------------------------------------------------
    def compile(self, optimizer="adam", *, steps_per_execution="auto", **kwargs):
        """As `keras.Model.compile`; the loss is the model's own. Metrics receive `x` and its `elbo` estimates.

        `steps_per_execution="auto"` runs up to 32 steps of a small model between returns to Python.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(f"{type(self).__name__} has a loss of its own. Received: loss={kwargs['loss']!r}")
        self._auto_steps = steps_per_execution == "auto"
        super().compile(optimizer, steps_per_execution=1 if self._auto_steps else steps_per_execution, **kwargs)

    def fit(self, x=None, y=None, batch_size=None, *, validation_split=0.0, shuffle=True, **kwargs):
        """As `keras.Model.fit`: `x` in arrays, `tf.data`, generators; labels beside it are ignored.

        Raises:
          ValueError: data outside the support of the likelihood: how many values, and where the first is; weights of
            examples or classes, which a bound does not have.
        """
        for name in ("sample_weight", "class_weight"):
            if kwargs.get(name) is not None:
                raise ValueError(f"{self.name} weighs all examples alike. Received: `{name}`")
        size = kwargs.get("validation_batch_size") or batch_size
        if inputs.is_array(x):
            self._build_for(x)
            self._check(x)
            y = None
            if kwargs.get("steps_per_epoch") is None and np.asarray(x).nbytes < batching.RESIDENT_BYTES:
                if validation_split and kwargs.get("validation_data") is None:
                    (x,), kwargs["validation_data"] = batching.train_validation_split((x,), validation_split)
                x = batching.shuffled_batches((x,), batch_size or 32, shuffle=shuffle, seed=seeds.drawn())
                batch_size, validation_split = None, 0.0
        elif isinstance(x, tf.data.Dataset):
            self._build_for(inputs.split(x.element_spec)[0])
        elif x is not None and not self.built:
            (first, _), x = inputs.peek(x)
            self._build_for(first)
        if self._auto_steps:
            steps = execution.steps_per_call(self, kwargs.get("steps_per_epoch"))
            if steps != self.steps_per_execution:
                self.steps_per_execution, self.train_function = steps, None
        kwargs["validation_data"] = self._in_order(kwargs.get("validation_data"), size)
        shuffle = shuffle and not isinstance(x, tf.data.Dataset)  # Keras warns that it cannot
        with self._explained():
            return super().fit(x, y, batch_size, validation_split=validation_split, shuffle=shuffle, **kwargs)

    def evaluate(self, x=None, y=None, batch_size=None, **kwargs):
        """As `keras.Model.evaluate`: `loss`, `elbo`, `reconstruction`, `kl`, each of one draw per example."""
        if inputs.is_array(x):
            self._build_for(x)
            x, y = self._in_order(x, batch_size, "x"), None
        with self._explained():
            return super().evaluate(x, y, batch_size, **kwargs)

    def _in_order(self, data, batch_size, what="validation_data"):
        """An array, checked, as batches of it; anything else is left to Keras, the batches of a large one too."""
        x = inputs.split(data)[0]
        if not inputs.is_array(x):
            return data
        self._check(x, what)
        if np.asarray(x).nbytes >= batching.RESIDENT_BYTES:
            return x
        return batching.in_order((x,), batch_size or 32)

    def _build_for(self, x):
        if not self.built:
            self.build(tuple(x.shape))

    def _check(self, x, what="x"):
        """Refuses an array that is not data."""
        if x.shape[1:] != self.data_shape or not len(x):
            raise ValueError(f"`{what}` must have shape (batch, *{self.data_shape}). Received: shape {tuple(x.shape)}")
        bad = ~self.likelihood.valid(self._floats(x)).numpy()
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"`{what}` must hold {self.likelihood.support}. Received: {int(bad.sum())} others, the first "
                f"{np.asarray(x)[first]} at index {first}"
            )

    @contextlib.contextmanager
    def _explained(self):
        """Inside, data that are no data are refused by name."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            if _BAD_EVENTS not in str(error):
                raise
            raise ValueError(f"Data must hold {self.likelihood.support}. Received: a batch with others") from error

    def train_step(self, data):
        return super().train_step(self._supervised(data))

    def test_step(self, data):
        return super().test_step(self._supervised(data))

    def predict_step(self, data):
        return self(inputs.split(data)[0], training=False)

    def _supervised(self, data):
        """Keras's `(inputs, target)`; metrics see the data as target."""
        x = self._floats(inputs.split(data)[0])
        valid = tf.debugging.Assert(tf.reduce_all(self.likelihood.valid(x)), [_BAD_EVENTS])
        with tf.control_dependencies([valid]):
            x = tf.identity(x)
        return x, x

    def call(self, x, training=False):
        """Estimates per example, nats `[batch]`: a dict of "elbo", "reconstruction" and "kl". Adds the loss."""
        x = self._floats(x)
        z, divergence = self.posterior.draw_with_divergence(self._features(x), prior=self.prior)
        reconstruction = self._given(z).log_prob(x)
        self.add_loss(self.posterior.penalty(divergence) - tf.reduce_mean(reconstruction))
        kl = tf.reduce_sum(divergence, axis=-1)
        return {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        for tracker in self.trackers:
            tracker.update_state(y_pred[tracker.name])
        return super().compute_metrics(x, y, y_pred["elbo"], sample_weight)

    def _features(self, x):
        features = self.encoder(self._floats(x))
        if features.shape.rank != 2:
            raise ValueError(f"The encoder must give features [batch, F]. Received: shape {features.shape}")
        return features

    def _given(self, z):
        """`p(x | z)`, a `tfd.Distribution` with batch shape `[batch]`."""
        return self.likelihood.distribution(tf.cast(self.decoder(z), self.posterior.event_dtype))

    def _floats(self, x):
        return tf.cast(tf.convert_to_tensor(x), self.posterior.event_dtype)

    def _symbolic_build(self, iterator=None, data_batch=None):
        # Keras would trace `call` in a scratch graph to build the metrics; their input shapes are known without it.
        if self.built and not getattr(self._compile_metrics, "built", True):
            x, per_example = tf.zeros([1, *self.data_shape], self.posterior.event_dtype), tf.zeros([1])
            self.compute_metrics(x, x, dict.fromkeys(("elbo", "reconstruction", "kl"), per_example))
            self.reset_metrics()
        super()._symbolic_build(iterator=iterator, data_batch=data_batch)

    # -- files -------------------------------------------------------------------------------------------------
    def get_config(self):
        """The constructor's arguments."""
        names = ("name", "encoder", "decoder", "posterior", "likelihood")
        parts = {name: getattr(self, name) for name in names}
        return configs.written({"dtype": self.dtype_policy, "prior": self.own_prior, **parts})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` described, with fresh weights."""
        return cls(**configs.read(config))

    def compile_from_config(self, config):
        """Compiles as `get_compile_config` says, optimizer state included."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def export(self, filepath, **kwargs):
        """Writes a SavedModel with endpoints `encode`, `decode`, `sample`, `log_weights`; see `tfflows.export`."""
        export.export_autoencoder(self, filepath, **kwargs)
