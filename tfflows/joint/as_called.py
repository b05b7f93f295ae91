"""Methods of a model that compile themselves: what is called as it is written runs as fast as a function made of it."""

import functools
import typing
import weakref

import tensorflow as tf
from keras.src.backend.common.stateless_scope import in_stateless_scope

from tfflows.joint import answers, kept
from tfflows.ops import precision


class Rows(typing.NamedTuple):
    """A `Tensor` `[*batch, *event]` of any number of rows."""

    values: tf.Tensor
    event_ndims: int

    @property
    def batch(self):
        """Sizes of the batch axes."""
        return self.values.shape[: self.values.shape.rank - self.event_ndims]


def compiled(prepare):
    """Decorates a method: called eagerly, it runs in a `tf.function` of its own for each kind of call.

    A kind is the dtype and rank of what is given, which of it is given, what is no tensor, and the precision that is
    asked for; not the number of rows. The 8 kinds that were called last are kept for each method of a model. Weights
    are read at each call. Under a gradient tape, in a graph, under a strategy, in a `keras.StatelessScope`, where
    functions or the model run eagerly, and with no rows, the method runs as it is; also where it has no graph, as with
    a part made of numpy.

    Args:
      prepare: method of the same arguments. It checks them eagerly and gives what to call the method with, by name:
        `Rows`, which broadcast against each other from the right, tensors of a known shape, or anything hashable; or
        `None`, for the method as it is.
    """

    def decorate(method):
        @functools.wraps(method)
        def called(self, *args, **kwargs):
            if not _applies(self):
                return method(self, *args, **kwargs)
            given = prepare(self, *args, **kwargs)
            specs = given and _specs(given)
            if not specs:
                return method(self, *args, **kwargs)
            others = {name: value for name, value in given.items() if name not in specs}
            key = (tuple(specs.items()), tuple(others.items()), precision.asked())
            own = kept.functions(self, method.__name__)(*key)
            if own[0] is None:
                # A code of its own: TensorFlow counts traces by it, and would warn of five models that trace once each.
                run = functools.partial(_run, method, weakref.ref(self), others, tuple(specs))
                own[0] = tf.function(run, input_signature=tuple(specs.values()), autograph=False)
            if own[0]:
                try:
                    return own[0](*(_tensor(given[name]) for name in specs))
                except Exception:  # of bad data, of which the method speaks better, or of a part without a graph
                    answer = method(self, *args, **kwargs)
                    own[0] = False
                    return answer
            return method(self, *args, **kwargs)

        return called

    return decorate


def _run(method, model, others, names, *tensors):
    return method(model(), **dict(zip(names, tensors, strict=True)), **others)


def _applies(model):
    return (
        tf.executing_eagerly()
        and not answers.taped()
        and not tf.config.functions_run_eagerly()
        and not getattr(model, "run_eagerly", False)
        and not tf.distribute.has_strategy()
        and not in_stateless_scope()
    )


def _specs(given):
    """Signatures of what is tensors, by name; `None` if there are no rows."""
    rows = [value for value in given.values() if isinstance(value, Rows)]
    if any(0 in each.batch for each in rows):
        return None
    specs = {}
    for name, value in given.items():
        if isinstance(value, Rows):
            batch, event = value.batch, value.values.shape[len(value.batch) :]
            # What is repeated along an axis is so in each call of a kind.
            axes = [1 if size == 1 and not (value is rows[0] and len(rows) == 1) else None for size in batch]
            specs[name] = tf.TensorSpec([*axes, *event], value.values.dtype)
        elif tf.is_tensor(value):
            specs[name] = tf.TensorSpec(value.shape, value.dtype)
    return specs


def _tensor(value):
    return value.values if isinstance(value, Rows) else value
