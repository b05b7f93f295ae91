"""A variational autoencoder around any posterior layer."""

import keras
import numpy as np
import tensorflow as tf

from tfflows import export
from tfflows.distributions import likelihoods
from tfflows.fitting import bad_losses, call_inputs, inputs, step_checks
from tfflows.fitting.planned_model import PlannedModel
from tfflows.joint import as_called, configs, keras_bijector
from tfflows.joint.as_called import Rows
from tfflows.layers import Posterior, priors
from tfflows.ops import numerics, seeds


@keras.saving.register_keras_serializable("tfflows")
class VariationalAutoencoder(PlannedModel):
    """`p(x) = E_{p(z)}[p(x | z)]`, trained by the evidence lower bound (ELBO) of a posterior `q(z | x)`.

        log p(x) >= E_q[log p(x | z)] - KL(q(z | x) || p(z))        (nats)

    the reconstruction and the divergence. The encoder gives features `h(x)`, the posterior layer draws `z` from them,
    the decoder gives the parameters of the likelihood. Trained is `-reconstruction` plus the layer's penalty, the
    divergence with its `beta` and free bits; the metrics `elbo`, `reconstruction` and `kl` are without either;
    metrics given to `compile` receive `x` and its `elbo` estimates. Where examples have weights `w`, loss and those
    three are means of `w` times what an example has (of free bits, the mean inside the maximum is such a mean).

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
        self.trackers = [
            keras.metrics.Mean(name=part, dtype=posterior.event_dtype) for part in ("elbo", "reconstruction", "kl")
        ]

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

    def _of_data(self, x, *, seed=None, **others):
        """What a method of data is called with, checked."""
        x = self._valid(x)
        return {"x": Rows(x, x.shape.rank - 1), "seed": None if seed is None else seeds.stateless(seed), **others}

    def _of_latents(self, z):
        z = tf.convert_to_tensor(z)
        return {"z": Rows(z, 1)} if z.shape.rank == 2 else None

    def _of_draws(self, n, *, seed=None, temperature=1.0):
        """What `sample` is called with, checked."""
        call_inputs.check_count(n)
        if not isinstance(n, (int, np.integer)) or not n:
            return None
        priors.check_temperature(temperature, priors.base_of(self.prior))
        if tf.is_tensor(temperature) or temperature != 1:
            temperature = tf.cast(temperature, self.posterior.event_dtype)
        seed = None if seed is None else seeds.stateless(seed)
        return {"n": tf.constant(n), "seed": seed, "temperature": temperature}

    @as_called.compiled(_of_data)
    def encode(self, x, *, seed=None):
        """Draws from the posterior, `[batch, D]`; refuses what `fit` refuses, in a graph by an assertion."""
        return self.posterior.draw(self._features(self._valid(x)), seed=seed)[0]

    @as_called.compiled(_of_latents)
    def decode(self, z):
        """What stands for `p(x | z)`, `[batch, *event_shape]`: its mean, of levels their mode or median."""
        return self.likelihood.point(self._given(z))

    @as_called.compiled(_of_data)
    def reconstruct(self, x, *, seed=None):
        """`decode(encode(x))`."""
        return self.decode(self.encode(x, seed=seed))

    @as_called.compiled(_of_draws)
    def sample(self, n, *, seed=None, temperature=1.0):
        """Draws from `p(x)`, `[n, *event_shape]`.

        Args:
          n: int.
          seed: int, or an integer `Tensor` `[2]`; the same seed gives the same samples.
          temperature: float > 0, scales latents about the mean of the prior, or of a flow's base.

        Raises:
          ValueError: a temperature that is not positive.
        """
        call_inputs.check_count(n)
        priors.check_temperature(temperature)
        first, second = tf.unstack(tf.random.split(seeds.stateless(self.seed_generator if seed is None else seed)))
        size, dtype = self.posterior.latent_size, self.posterior.event_dtype
        z = priors.sample(self.prior, n, size, dtype=dtype, seed=first, temperature=temperature)
        return self._given(z).sample(seed=second)

    @as_called.compiled(_of_data)
    def log_weights(self, x, *, num_samples=1, seed=None):
        """`log p(x | z) + log p(z) - log q(z | x)` of independent draws of `z`: nats `[num_samples, batch]`.

        The mean over draws estimates the ELBO, the logarithm of the mean of the exponentials a tighter bound. Refuses
        what `fit` refuses, in a graph by an assertion.
        """
        x = self._valid(x)
        z, log_q = self.posterior.draw(self._features(x), num_samples=num_samples, seed=seed)
        flat = tf.reshape(z, [-1, self.posterior.latent_size])
        log_likelihood = self._given(flat).log_prob(tf.tile(x, [num_samples, *[1] * (x.shape.rank - 1)]))
        return tf.reshape(log_likelihood, tf.shape(log_q)) + priors.log_prob(self.prior, z) - log_q

    # -- Keras -------------------------------------------------------------------------------------------------
    has_own_loss = True
    density_dtype = property(lambda self: self.posterior.event_dtype, doc="Dtype of all densities, its name.")

    adapt_examples = 2048

    @property
    def adapted(self):
        """Whether the posterior has its location and scale of features, if it is to standardise them."""
        return self.posterior.adapted

    def adapt(self, data, context=None):
        """Lets a posterior that standardises features adapt to what the encoder makes of an array or `tf.data`."""
        if isinstance(data, tf.data.Dataset):
            data, _ = inputs.gather(data, self.adapt_examples)
        x = self._checked(data, None, "data")[0]
        if not self.adapted:
            self.posterior.adapt(self._features(x[:: -(-len(x) // self.adapt_examples)]))

    def _checked(self, x, context, what):
        """An array of events, without labels; refuses what is not data."""
        x = inputs.numbers(x, what)
        self._check_spec(x)
        if x.shape[1:] != self.data_shape or not len(x):
            raise ValueError(f"`{what}` must have shape (batch, *{self.data_shape}). Received: shape {x.shape}")
        self._valid(x, what)
        return x, None

    def _valid(self, x, what="x"):
        """The data as floats, if they are in the support of the likelihood."""
        x = self._floats(x)
        valid = self.likelihood.valid(x)
        if not tf.executing_eagerly():
            return step_checks.required(valid, x, step_checks.BAD_EVENTS)
        bad = ~valid.numpy()
        if bad.any():
            first = tuple(int(i) for i in np.argwhere(bad)[0])
            raise ValueError(
                f"`{what}` must hold {self.likelihood.support}. Received: {int(bad.sum())} others, the first "
                f"{x[first]:g} at index {first}"
            )
        return x

    def _check_spec(self, spec):
        if not self.built:
            self.build(tuple(spec.shape))

    def _refusals(self):
        text = f"Data must hold {self.likelihood.support}. Received: a batch with others"
        return super()._refusals() | {step_checks.BAD_EVENTS: text}

    def _not_finite(self, stream):
        elbo = lambda x, _: self(x)["elbo"]  # noqa: E731
        where = lambda x, _: bad_losses.first_part(self._parts(x)) or "a draw of its latents"  # noqa: E731
        return bad_losses.first_example(stream, elbo, where)

    def _parts(self, x):
        """Pairs of the name of a part and what it gives of an example."""
        features = self._features(x)
        yield f"the encoder {self.encoder.name!r}", [features]
        drawn = self.posterior.draw_with_divergence(features, prior=self.prior)
        yield f"the posterior {self.posterior.name!r}", drawn
        yield f"the decoder {self.decoder.name!r}", [self.decoder(drawn[0])]
        yield "the likelihood", [self._given(drawn[0]).log_prob(self._floats(x))]

    def _example(self):
        x, per_example = tf.zeros([1, *self.data_shape], self.density_dtype), tf.zeros([1], self.density_dtype)
        return x, {tracker.name: per_example for tracker in self.trackers}

    def predict_step(self, data):
        return self(self._supervised(data)[1], training=False)

    def _supervised(self, data, checked=False):
        """Keras's `(inputs, target, weights)`; metrics see the data as target. `call` checks them."""
        x, _, weights = inputs.split(data)
        x, weights = self._floats(step_checks.known(x, self.data_shape)), step_checks.weights(weights, checked)
        return (x if weights is None else (x, weights)), x, weights

    def call(self, x, training=False):
        """Estimates per example, nats `[batch]`: a dict of "elbo", "reconstruction" and "kl". Adds the loss.

        In the loss of a pair `(x, weights)` every example's share is multiplied by its weight. Refuses what `fit`
        refuses, in a graph by an assertion.
        """
        x, weights = x if isinstance(x, (tuple, list)) else (x, None)
        x = self._valid(x)
        z, divergence = self.posterior.draw_with_divergence(self._features(x), prior=self.prior)
        reconstruction = self._given(z).log_prob(x)
        parts = divergence, reconstruction
        if weights is not None:
            weights = tf.cast(weights, reconstruction.dtype)
            parts = divergence * weights[:, None], reconstruction * weights
        self.add_loss(self.posterior.penalty(parts[0]) - numerics.batch_mean(parts[1]))
        kl = tf.reduce_sum(divergence, axis=-1)
        return {"elbo": reconstruction - kl, "reconstruction": reconstruction, "kl": kl}

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        for tracker in self.trackers:
            values = y_pred[tracker.name]
            tracker.update_state(values if sample_weight is None else values * tf.cast(sample_weight, values.dtype))
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

    # -- files -------------------------------------------------------------------------------------------------
    def get_config(self):
        """The constructor's arguments."""
        names = ("name", "encoder", "decoder", "posterior", "likelihood")
        parts = {name: getattr(self, name) for name in names}
        return configs.written({"dtype": self.dtype_policy, "prior": self.own_prior, **parts})

    def export(self, filepath, format="tf_saved_model", verbose=False, **options):
        """Writes a SavedModel with endpoints `encode`, `decode`, ..., or `decode` as ONNX, ...: `tfflows.export`."""
        export.export_autoencoder(self, filepath, format, verbose, **options)
