"""Networks in full precision, where what they compute has to be computed again, exactly.

A network in half precision rounds its input. On the way back through a flow that input may differ in the last digit of
a float32, which sometimes rounds to the other neighbour, and then the bijection inverts another transform than the one
that was applied. Training inverts nothing; everywhere else a flow's networks compute in the precision of their weights.
"""

import contextlib
import functools
import threading

import keras
import tensorflow as tf

_HALF = ("float16", "bfloat16")
_thread = threading.local()


def is_full():
    """Whether networks of this thread compute in the precision of their weights; by default they do as they are."""
    return bool(getattr(_thread, "full", None))


def asked():
    """What the scope of this thread says: `True`, `False`, or `None` without one."""
    return getattr(_thread, "full", None)


@contextlib.contextmanager
def full(wanted=True):
    """A scope in which networks under `applied_to` compute in the precision of their weights, if `wanted`."""
    before, _thread.full = getattr(_thread, "full", None), wanted
    try:
        yield
    finally:
        _thread.full = before


def full_by_default():
    """`full`, unless a scope outside has said otherwise."""
    decided = getattr(_thread, "full", None)
    return full(True if decided is None else decided)


class Compiled:
    """A function, called outside of a graph in a `tf.function` of its own for each precision, made at the first call.

    TensorFlow does not look in here for parts of a bijector to be saved.
    """

    def __init__(self, function):
        self._function, self._by_precision = function, {}

    def __call__(self, *args):
        if not tf.executing_eagerly():
            return self._function(*args)
        if is_full() not in self._by_precision:
            # TensorFlow counts traces by the code of a function, and would warn of five layers that trace once each.
            own = functools.partial(self._function)
            self._by_precision[is_full()] = tf.function(own, autograph=False, reduce_retracing=True)
        return self._by_precision[is_full()](*args)


class _Asking(keras.DTypePolicy):
    """A half-precision policy whose layers compute in the precision of their weights in threads under `applied_to`."""

    @property
    def compute_dtype(self):
        return self._variable_dtype if getattr(_thread, "applied", False) else self._compute_dtype

    def __eq__(self, other):
        return isinstance(other, keras.DTypePolicy) and self.name == other.name


_Asking.__module__, _Asking.__name__ = "keras", "DTypePolicy"  # what is written of a layer: the policy it was given


@contextlib.contextmanager
def applied_to(network):
    """A scope around every use of a Keras layer, in which it has the precision that `full` asks for.

    Nothing of the layer is different for other threads: its policy asks the thread.
    """
    if is_full():
        for each in network._flatten_layers():
            if each.compute_dtype in _HALF and not isinstance(each.dtype_policy, _Asking):
                each.dtype_policy = _Asking(each.dtype_policy.name)  # once, and alike until it is asked
    before, _thread.applied = getattr(_thread, "applied", False), is_full()
    try:
        yield
    finally:
        _thread.applied = before
