"""How steep the density is where an example lies."""

import dataclasses

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_choice
from tfflows.evaluation.likelihood import default_batch_size
from tfflows.evaluation.scores.base import Score
from tfflows.layers import UniformDequantization


@dataclasses.dataclass(kw_only=True, eq=False)
class GradientNorm(Score):
    """The length of the gradient of the log-density, `|d log p(x) / dx|`, or by weights `|d log p(x) / dw|`.

    Data of many dimensions lie where the density is flat around its mass, not at its peaks. Of integers the gradient is
    that by the dequantized reals, in nats per level, at one draw of the noise.

    Args:
      of: "input", or "weights": by all `trainable_variables` of the model, an example at a time.
      seed, batch_size: see `Score`; `num_draws` has no meaning here.

    Raises:
      ValueError: a density that TensorFlow does not differentiate, as scikit-learn's.

    Example:

    >>> import numpy as np, tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows.evaluation import scores
    >>> normal = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> score = scores.GradientNorm().fit(normal, np.zeros([2, 2], "float32"))
    >>> score.score(np.array([[3.0, 4.0]], "float32")).tolist()
    [5.0]

    References:
      Grathwohl, Wang, Jacobsen, Duvenaud, Norouzi, Swersky. Your classifier is secretly an energy based model and you
      should treat it like one. ICLR 2020, arXiv 1912.03263, section 5.2 (approximate mass). By weights: Kwon,
      Prabhushankar, Temel, AlRegib. Backpropagated gradient representations for anomaly detection. ECCV 2020, arXiv
      2007.09507.
    """

    of: str = "input"

    def __post_init__(self):
        check_choice(("input", "weights"), of=self.of)

    def _fit(self, data):
        if self.of == "weights" and not getattr(self._model, "trainable_variables", ()):
            raise ValueError("A model with `trainable_variables` is needed. Received: none")
        norms = self._of_input if self.of == "input" else self._of_weights
        first = self._reals(data[:2], np.zeros(2, np.int32))
        events = tf.TensorSpec([None, *first.shape[1:]], first.dtype)
        self._norms = tf.function(norms, input_signature=[events], autograph=False)
        try:
            self._norms(first)
        except (TypeError, AttributeError, NotImplementedError) as error:  # what takes no tensors raises any of them
            raise self._refusal() from error

    def _score(self, x):
        size, norms = self.batch_size or default_batch_size(x.shape[1:]), []
        for i, start in enumerate(range(0, len(x), size)):
            key = np.random.default_rng([self.seed, i]).integers(2**31, size=2).astype(np.int32)
            norms.append(self._norms(self._reals(x[start : start + size], key)))
        return np.concatenate(norms)

    def _reals(self, x, key):
        """Events as reals, integers with noise."""
        if x.dtype.kind in "iu":
            layer = getattr(self._model, "dequantization", None)
            layer = layer if callable(layer) else UniformDequantization(max(2, int(x.max()) + 1))
            x = layer(x, seed=tf.constant(key))[0]
        dtype = getattr(self._model, "density_dtype", getattr(self._model, "dtype", None))
        return tf.cast(x, dtype if isinstance(dtype, (str, tf.DType)) else tf.float32)

    def _of_input(self, x):
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            nats = self._model.log_prob(x)
        gradient = tape.gradient(nats, x)
        if gradient is None:
            raise self._refusal()
        return tf.norm(tf.reshape(gradient, [tf.shape(x)[0], -1]), axis=1)

    def _of_weights(self, x):
        variables = self._model.trainable_variables

        def of_one(event):
            with tf.GradientTape() as tape:
                nats = self._model.log_prob(event[None])
            gradients = [each for each in tape.gradient(nats, variables) if each is not None]
            if not gradients:
                raise self._refusal()
            return tf.linalg.global_norm(gradients)

        return tf.map_fn(of_one, x)

    def _refusal(self):
        return ValueError(f"A density that TensorFlow differentiates is needed. Received: {type(self._model).__name__}")
