"""What evaluation asks a density, whatever library it is of."""

import types

import numpy as np
import tensorflow as tf


def as_density(model):
    """The model itself where it has `log_prob`; a face with `log_prob` for scikit-learn's and for served ones.

    Args:
      model: anything with `log_prob(x)`: a `FlowModel`, a TFP distribution, a loaded SavedModel; or an estimator of
        scikit-learn whose `score_samples` are log-densities, fitted: `GaussianMixture`, `KernelDensity`, `PCA`, ... .

    Raises:
      ValueError: neither, or an outlier detector of scikit-learn, whose `score_samples` are no log-densities.
    """
    if callable(getattr(model, "discrete_log_prob", None)):
        return ServedDensity(model)
    if callable(getattr(model, "log_prob", None)):
        return model
    if not callable(getattr(model, "score_samples", None)):
        raise ValueError(f"A model with `log_prob`, or with `score_samples`, is needed. Received: {_kind(model)}")
    from sklearn.base import OutlierMixin

    if isinstance(model, OutlierMixin):
        raise ValueError(
            "A log-density is needed. Received: an outlier detector, whose `score_samples` are none: "
            f"{type(model).__name__}"
        )
    return ScikitLearnDensity(model)


def as_model(model):
    """A model with `log_weights` (`VariationalAutoencoder`) as it is, anything else as `as_density` gives it."""
    return model if callable(getattr(model, "log_weights", None)) else as_density(model)


def check_methods(model, *names):
    """Refuses a model without one of these methods, by name."""
    missing = [name for name in names if not callable(getattr(model, name, None))]
    if missing:
        raise ValueError(f"A model with `{'`, `'.join(names)}` is needed. Received: {_kind(model)} without {missing}")


def check_event(model, shape, what="model"):
    """Refuses a density that is known to be of events of another shape."""
    known = getattr(model, "event_shape", None)
    known = known.as_list() if isinstance(known, tf.TensorShape) and known.rank is not None else known
    if isinstance(known, (tuple, list)) and None not in known and tuple(known) != tuple(shape):
        if not (isinstance(model, ScikitLearnDensity) and known[0] == np.prod(shape)):
            raise ValueError(
                f"`{what}` must be a density of events of shape {tuple(shape)}. Received: one of events of shape "
                f"{tuple(known)}"
            )


class ScikitLearnDensity:
    """`log_prob` and `sample` of a fitted estimator with `score_samples`; events are flattened to its rows.

    Args:
      estimator: of scikit-learn.
    """

    def __init__(self, estimator):
        self.estimator = estimator
        size = getattr(estimator, "n_features_in_", None)
        self.event_shape = None if size is None else (size,)

    def log_prob(self, x):
        """Nats `[n]` of events `[n, ...]`."""
        return self.estimator.score_samples(np.reshape(x, (len(x), -1)))


class ServedDensity:
    """A loaded SavedModel of a flow over integers: their `discrete_log_prob`, of reals the density.

    How many levels it keeps is not in the file: nothing is added for what is left out of a level.

    Args:
      served: what `tf.saved_model.load` gave.
    """

    dequantization = types.SimpleNamespace(levels=1, kept_levels=1, bounds=True)

    def __init__(self, served):
        self.served = served

    def log_prob(self, x, *context, seed=None):
        """Nats `[n]` of events `[n, ...]`, of integers one draw's bound."""
        if np.asarray(x).dtype.kind not in "iu":
            return self.served.log_prob(x, *context)
        given = {} if seed is None else {"seed": seed}
        context = {"context": context[0]} if context else {}
        return self.served.discrete_log_prob(np.asarray(x, np.int32), **given, **context)


def _kind(model):
    return f"{type(model).__module__}.{type(model).__qualname__}"
