"""A flow fitted to a density that is known up to a constant."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import arguments
from tfflows.datasets import batching
from tfflows.fitting import bad_losses
from tfflows.fitting.planned_model import PlannedModel
from tfflows.models import latents
from tfflows.models.flow_model import FlowModel
from tfflows.ops import precision, seeds

tfd = tfp.distributions

_BAD_TARGET = "tfflows: target_log_prob is not finite"
_LEAST_WEIGHT = 0.01  # of the target, at the first annealed step


class VariationalFlow(PlannedModel):
    """A flow `q` fitted to an unnormalised density `p~ = Z p` by minimising the reverse divergence.

    With latents `e ~ N(0, I)` and `x = forward(e)`, the loss is the mean over fresh draws of

        log q(x) - log p~(x)      whose expectation is      KL(q || p) - log Z      (nats)

    differentiated through the draws, so only the forward direction of the bijector runs, and `log p~` has to be a
    TensorFlow function of `x` with a gradient. `elbo`, a metric, is the mean of `log p~ - log q`: a lower bound of
    `log Z`, reached when `q = p`. Where the target lives on a box, end the bijector with one onto the box.

    `fit` takes no data. The trained flow is `flow`, an ordinary `models.FlowModel` with all it can do; `save` and
    `export` write that, as the target is a function that no file can hold.

    Annealing: for the first `annealing_steps` steps `T` the target is tempered, `log q - b_t log p~` with
    `b_t = min(1, 0.01 + t / T)`, which lets a flow find all modes before it settles.

    Args:
      target_log_prob: function of `x` `[n, *event_shape]`, floating, that gives `log p~(x)`, `[n]`, in nats.
      bijector: `tfb.Bijector` from latents to events, native or of tfflows.
      event_shape: shape of one event, both of latents and of `x`.
      annealing_steps: int >= 0.
      seed: int or `None`, of the draws in training.
      name: str.
      dtype: Keras precision policy: under "mixed_float16" the loss is scaled; draws and densities are float32.

    Raises:
      TypeError: a target that is no function.
      ValueError: a bijector that changes the event's shape or has weights that Keras and TFP do not see alike. From
        `fit` and `evaluate`: a target that gives another shape than `[n]`, has no gradient, or is not finite.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import DiagonalAffine
    >>> from tfflows.models import VariationalFlow
    >>> log_normal = lambda x: -0.5 * tf.reduce_sum((x - 1.0) ** 2, axis=-1)
    >>> model = VariationalFlow(log_normal, DiagonalAffine([2]), event_shape=(2,), seed=0)
    >>> model.compile("adam")
    >>> history = model.fit(steps_per_epoch=4, batch_size=64, verbose=0)
    >>> model.sample(5, seed=0).shape.as_list()
    [5, 2]

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770 (annealing: with
      the experiments).
    """

    def __init__(
        self,
        target_log_prob,
        bijector,
        *,
        event_shape,
        annealing_steps=0,
        seed=None,
        name="variational_flow",
        dtype=None,
    ):
        super().__init__(name=name, dtype=dtype, autocast=False)
        if not callable(target_log_prob):
            raise TypeError(f"`target_log_prob` must be a function of x. Received: {target_log_prob!r}")
        arguments.check_integer(0, annealing_steps=annealing_steps)
        base = latents.standard_normal(event_shape, latents.dtype_of(self.dtype_policy))
        flow = tfd.TransformedDistribution(base, bijector)
        if flow.event_shape != base.event_shape:
            raise ValueError(
                f"`bijector` must keep the shape of events, {tuple(event_shape)}. Received: one that makes them "
                f"{tuple(flow.event_shape)}"
            )
        self.flow = FlowModel(flow, name=f"{name}_flow", dtype=self.dtype_policy)
        self.flow.wants_data = False
        self._target = lambda x: target_log_prob(x)  # whatever it is, Keras is not to train what it holds
        self.annealing_steps = annealing_steps
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.steps = self.add_weight(name="steps", shape=(), dtype="int64", initializer="zeros", trainable=False)
        self.elbo_tracker = keras.metrics.Mean(name="elbo", dtype=self.flow.density_dtype)
        self.built = True

    # -- the flow ----------------------------------------------------------------------------------------------
    distribution = property(lambda self: self.flow.distribution, doc="The `tfd.TransformedDistribution`.")
    bijector = property(lambda self: self.flow.bijector, doc="The `tfb.Bijector` from latent to event.")
    event_shape = property(lambda self: self.flow.event_shape, doc="Shape of one event, a tuple.")

    def log_prob(self, x):
        """`log q(x)`, nats; runs the inverse of the bijector. See `FlowModel.log_prob`."""
        return self.flow.log_prob(x)

    def sample(self, n, *, seed=None, temperature=1.0):
        """Draws from `q`, `[n, *event_shape]`; see `FlowModel.sample`."""
        return self.flow.sample(n, seed=seed, temperature=temperature)

    def sample_and_log_prob(self, n, *, seed=None):
        """Draws from `q` and `log q` of them, by the forward direction; see `FlowModel.sample_and_log_prob`."""
        return self.flow.sample_and_log_prob(n, seed=seed)

    def target_log_prob(self, x):
        """`log p~(x)` in the dtype of `x`, its shape checked."""
        log_p = tf.convert_to_tensor(self._target(x))
        if not log_p.shape.is_compatible_with(x.shape[:1]) or log_p.shape.rank != 1:
            raise ValueError(
                f"`target_log_prob` must give one value per event, shape {x.shape[:1]} for x of shape {x.shape}. "
                f"Received: shape {log_p.shape}"
            )
        return tf.cast(log_p, x.dtype)

    # -- Keras -------------------------------------------------------------------------------------------------
    has_own_loss = True
    density_dtype = property(lambda self: self.flow.density_dtype, doc="Dtype of all densities, its name.")
    weighs_examples = False  # it draws them itself

    def fit(self, *, steps_per_epoch=100, batch_size=256, epochs=1, **kwargs):
        """Trains on `batch_size` fresh draws in each of `epochs * steps_per_epoch` steps.

        Args:
          steps_per_epoch, batch_size, epochs: ints >= 1.
          **kwargs: `verbose`, `callbacks`, `initial_epoch` of `keras.Model.fit`.

        Returns:
          The history of `loss` and `elbo`, nats.

        Raises:
          ValueError: a bad target, see the class.
        """
        arguments.check_integer(steps_per_epoch=steps_per_epoch, batch_size=batch_size)
        self._check_target()
        kwargs |= {"steps_per_epoch": steps_per_epoch, "epochs": epochs}
        return super().fit(_numbers(batch_size, steps_per_epoch), **kwargs)

    def evaluate(self, *, steps=100, batch_size=256, **kwargs):
        """Mean `loss` and `elbo` over `steps * batch_size` draws, without annealing; as `keras.Model.evaluate`."""
        arguments.check_integer(steps=steps, batch_size=batch_size)
        self._check_target()
        return super().evaluate(_numbers(batch_size, steps), steps=steps, **kwargs)

    def predict(self, x, *args, **kwargs):
        """`log q(x)` of events, as `FlowModel.predict`."""
        return self.flow.predict(x, *args, **kwargs)

    def call(self, numbers, training=False):
        """One draw for each of `numbers`, `[n]`: their `log p~ - log q`. Adds the loss."""
        size = numbers.shape[0] or tf.shape(numbers)[0]
        with precision.full(not training):
            x, log_q = self.flow.sample_and_log_prob(size, seed=seeds.stateless(self.seed_generator))
        log_p = tf.debugging.check_numerics(self.target_log_prob(x), _BAD_TARGET)
        weight = 1.0
        if training and self.annealing_steps:
            weight = tf.minimum(_LEAST_WEIGHT + tf.cast(self.steps, x.dtype) / self.annealing_steps, 1.0)
            self.steps.assign_add(1)
        self.add_loss(tf.reduce_mean(log_q - weight * log_p))
        return log_p - log_q

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        self.elbo_tracker.update_state(y_pred)
        return self.get_metrics_result()

    def _refusals(self):
        text = (
            "`target_log_prob` must be finite wherever the flow goes. Received: NaN or infinite values during "
            "training; end the bijector with one onto the domain of the target, or lower the learning rate"
        )
        return super()._refusals() | {_BAD_TARGET: text}

    def _not_finite(self, stream):
        x, log_q = self.flow.sample_and_log_prob(1024)
        parts = ("the flow", [x, log_q]), ("`target_log_prob`", [self.target_log_prob(x)])
        found = bad_losses.first_part(parts)
        return "NaN or infinite" + (", where 1024 fresh draws are finite" if found is None else f", in {found}")

    def _check_target(self):
        """Calls the target once, where what it does can be told."""
        x = self.sample(8, seed=0)
        with tf.GradientTape() as tape:
            tape.watch(x)
            log_p = self.target_log_prob(x)
        if tape.gradient(log_p, x) is None:
            raise ValueError(
                "`target_log_prob` must be made of TensorFlow functions of x, to be differentiated. Received: one "
                "without a gradient"
            )
        bad = ~tf.math.is_finite(log_p)
        if tf.reduce_any(bad):
            i = int(tf.where(bad)[0, 0])
            raise ValueError(f"`target_log_prob` must be finite. Received: {log_p[i]} at x = {x[i].numpy().tolist()}")

    def get_compile_config(self):
        return None

    def save(self, filepath, **kwargs):
        """Writes `flow`: `keras.saving.load_model` gives a `FlowModel`."""
        self.flow.save(filepath, **kwargs)

    def export(self, filepath, format="tf_saved_model", verbose=False, **options):
        """Writes `flow`, see `FlowModel.export`."""
        self.flow.export(filepath, format, verbose, **options)


def _numbers(batch_size, steps):
    """What `fit` iterates over in the place of data: a vector for each step, with an entry for each draw."""
    return batching.untuned(tf.data.Dataset.from_tensors(tf.range(batch_size)).repeat(steps))
