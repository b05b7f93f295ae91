"""The calls of `fit`, `evaluate` and `predict` under way, each with a plan and functions of its own.

Keras asks a model, not a call, for `steps_per_execution` and `train_function`. Models here answer for the call that
asks: calls are kept by thread and nest, as a callback of `fit` may call `predict`.
"""

import contextlib
import contextvars
import threading
import typing

from tfflows.joint import kept

_under_way = contextvars.ContextVar("tfflows_calls", default=())


class Call(typing.NamedTuple):
    """A call: its model, its `Plan`, and what it runs in the place of Keras's "train" or "predict" function."""

    model: object
    plan: object
    functions: dict


@contextlib.contextmanager
def running(model, plan, **functions):
    """A scope in which `current(model)` is a call with this plan and these functions."""
    token = _under_way.set((*_under_way.get(), Call(model, plan, functions)))
    try:
        yield
    finally:
        _under_way.reset(token)


def under_way():
    """Whether there is a call of any model in this thread."""
    return bool(_under_way.get())


def current(model):
    """The innermost call of a model in this thread, or `None`."""
    return next((call for call in reversed(_under_way.get()) if call.model is model), None)


class _Counting:
    """Who counts in the metrics of a model: a lock, and whether its holder is in `fit`."""

    def __init__(self):
        self.lock, self.training = threading.RLock(), False


@contextlib.contextmanager
def counting(model, name):
    """A scope of a call of "fit" or "evaluate", which counts in the metrics of the model.

    In another thread, an `evaluate` and a `fit` wait for an `evaluate`.

    Raises:
      RuntimeError: another thread is in `fit`.
    """
    held = vars(model).setdefault("_counting", _Counting())  # past Keras
    while not held.lock.acquire(timeout=0.05):
        if held.training:
            raise RuntimeError(
                f"{model.name} is in `fit` in another thread, and counts in its metrics: wait for it; `predict` and "
                f"`log_prob` need not. Received: a call of `{name}`"
            )
    outer, held.training = held.training, held.training or name == "fit"
    try:
        yield
    finally:
        held.training = outer
        held.lock.release()


def keras_function(kind):
    """The property `train_function`, `test_function` or `predict_function` of a model.

    In a call it is the call's own function, if it has one, and otherwise Keras's, kept for each plan.
    """

    def of(model, call):  # without a call, as in `train_on_batch`, nothing is split
        key = () if call is None else (call.plan.steps_per_call, call.plan.split, call.plan.compiler)
        return kept.functions(model, kind)(*key)

    def get(model):
        call = current(model)
        return (call and call.functions.get(kind)) or of(model, call)[0]

    def keep(model, function):
        call = current(model)
        if call is None:  # made anew, perhaps by force
            kept.functions(model, kind).cache_clear()
        if call is None or function is not call.functions.get(kind):
            of(model, call)[0] = function

    return property(get, keep)
