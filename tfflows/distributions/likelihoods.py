"""From what a decoder gives to a distribution over data."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.arguments import check_integer
from tfflows.distributions.discretized_logistic import DiscretizedLogistic

tfd = tfp.distributions


class Likelihood:
    """Base of likelihoods `p(x | z)`: a decoder's output `[batch, ...]` to independent entries of an event.

    Subclasses, registered with `keras.saving.register_keras_serializable` so that models with them can be saved, write
    `distribution`, and may say what data they are over. An event is one example, without the batch axis.
    """

    support = "finite numbers"
    """What data may hold, in words."""

    def distribution(self, parameters):
        """The `tfd.Distribution`, batch shape `[batch]`, of floating parameters."""
        raise NotImplementedError(f"{type(self).__name__} must define distribution")

    def valid(self, x):
        """Which entries of a floating tensor may be data: boolean, the shape of `x`."""
        return tf.math.is_finite(x)

    def point(self, distribution):
        """One value that stands for a distribution: what `decode` shows."""
        return distribution.mean()

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@keras.saving.register_keras_serializable("tfflows")
class BernoulliLikelihood(Likelihood):
    """Entries 0 or 1 from logits of the event's shape; `decode` shows the probability of 1."""

    support = "0 and 1"

    def distribution(self, parameters):
        return _independent(tfd.Bernoulli(logits=parameters, dtype=parameters.dtype))

    def valid(self, x):
        return (x == 0) | (x == 1)


class _Levels(Likelihood):
    """Integers from 0 to `levels - 1`, `levels` an int of at least 2."""

    def __init__(self, levels=256):
        check_integer(2, levels=levels)
        self.levels = levels
        self.support = f"integers from 0 to {levels - 1}"

    def valid(self, x):
        return (x >= 0) & (x < self.levels) & (x == tf.floor(x))

    def get_config(self):
        return {"levels": self.levels}


@keras.saving.register_keras_serializable("tfflows")
class CategoricalLikelihood(_Levels):
    """Entries 0 to `levels - 1` from logits of the event's shape and one more axis; `decode` shows the mode."""

    def distribution(self, parameters):
        if parameters.shape[-1] != self.levels:
            raise ValueError(f"The last axis must hold {self.levels} logits. Received: shape {parameters.shape}")
        return _independent(tfd.Categorical(logits=parameters, dtype=parameters.dtype))

    def point(self, distribution):
        return distribution.mode()


@keras.saving.register_keras_serializable("tfflows")
class DiscretizedLogisticLikelihood(_Levels):
    """Entries 0 to `levels - 1` from locations and log-scales, halves of the last axis; `decode` shows the median.

    See `DiscretizedLogistic`.
    """

    def distribution(self, parameters):
        if parameters.shape[-1] % 2:
            raise ValueError(f"The last axis must hold locations and log-scales. Received: shape {parameters.shape}")
        return _independent(DiscretizedLogistic(*tf.split(parameters, 2, axis=-1), levels=self.levels))

    def point(self, distribution):
        return distribution.distribution.median()


@keras.saving.register_keras_serializable("tfflows")
class FunctionLikelihood(Likelihood):
    """A function of the decoder's output.

    Args:
      function: from parameters `[batch, ...]` to a `tfd.Distribution` with batch shape `[batch]`. To be saved it must
        be registered with Keras.
    """

    def __init__(self, function):
        self.function = function

    def distribution(self, parameters):
        return self.function(parameters)

    def get_config(self):
        return {"function": keras.saving.serialize_keras_object(self.function)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["function"]))


def _independent(entries):
    """One event of entries `[batch, ...]`."""
    return tfd.Independent(entries, reinterpreted_batch_ndims=entries.batch_shape.rank - 1)


_NAMED = {
    "bernoulli": BernoulliLikelihood,
    "categorical": CategoricalLikelihood,
    "discretized_logistic": DiscretizedLogisticLikelihood,
}


def get(likelihood):
    """The `Likelihood` of a name, a function or itself; nothing else is one."""
    if isinstance(likelihood, Likelihood):
        return likelihood
    if isinstance(likelihood, str) and likelihood in _NAMED:
        return _NAMED[likelihood]()
    if callable(likelihood):
        return FunctionLikelihood(likelihood)
    raise ValueError(
        f"`likelihood` must be one of {sorted(_NAMED)}, a tfflows.distributions.Likelihood or a function from "
        f"parameters to a distribution. Received: {likelihood!r}"
    )
