"""A flow layer by layer, from the data to the latents: every leaf of its tree of bijectors with what it is given."""

import collections
import functools

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import Chain, FactorOut, Repeated
from tfflows.joint import composition
from tfflows.joint.weights import variables_read
from tfflows.joint.without_context import WithoutContext

tfb = tfp.bijectors

REFUSALS = ValueError, TypeError, LookupError, NotImplementedError, RuntimeError, tf.errors.OpError


class Stopped(Exception):
    """The walk is at its end before the latents: a layer does not go on."""


class Layer:
    """One bijector of a flow and the batch that reaches it on the way from data to latents.

    Attributes:
      name: str, its path.
      bijector: the leaf.
      y: `Tensor` `[n, *event]`, what it is given; `x`, once it was evaluated, `inverse(y)`.
      log_det: `Tensor` `[n]`, of the inverse.
      ndims, ndims_after: ints, ranks of the events `y` and `x`.
      context: `Tensor` `[n, ...]` or `None`.
      own: bool, whether its weights are those of the flow, not copies of a step of a `Repeated`.
      reads: the trainable `tf.Variable`s that it reads.
      refused: str, why it gave no answer, or `None`.
      measured: dict of numbers.
      unexamined: list of what could not be asked, and why.
    """

    def __init__(self, name, bijector, y, ndims, context, own):
        self.name, self.bijector, self.y, self.ndims, self.context, self.own = name, bijector, y, ndims, context, own
        self.x = self.log_det = self.ndims_after = self.refused = None
        self.reads, self.measured, self.unexamined = (), {}, []

    @property
    def core(self):
        """The bijector, without a `tfb.Invert` around it."""
        return self.bijector.bijector if isinstance(self.bijector, tfb.Invert) else self.bijector

    def evaluate(self):
        """Has the layer map its batch."""
        try:
            with variables_read() as read:
                self.x, self.log_det, self.ndims_after = self.inverse(self.y, self.context)
        except REFUSALS as reason:
            self.refused = f"{type(reason).__name__}: {' '.join(str(reason).split())[:300]}"
        self.reads = read.watched_variables()

    def inverse(self, y, context):
        """`inverse(y)`, its log-det `[batch]` and the rank of its events."""
        return self._evaluated(y, self.ndims, context, forward=False)

    def forward(self, x, context):
        """`forward(x)`, its log-det `[batch]` and the rank of its events."""
        return self._evaluated(x, self.ndims_after, context, forward=True)

    def _evaluated(self, x, ndims, context, *, forward):
        value, log_det, after = composition.evaluate(self.bijector, tf.identity(x), ndims, context, forward=forward)
        return value, tf.broadcast_to(log_det, tf.shape(x)[: x.shape.rank - ndims]), after

    def first(self, count):
        """Of the first so many examples: events in `dtype`, and contexts."""
        context = None if self.context is None else self.context[:count]
        return tf.cast(self.y[:count], self.dtype), context

    @functools.cached_property
    def dtype(self):
        """float64 where the layer takes it and answers in it, else that of the flow."""
        if self.y.dtype != tf.float64:
            try:
                context = None if self.context is None else self.context[:1]
                x, log_det, _ = self.inverse(tf.cast(self.y[:1], tf.float64), context)
                y, _, _ = self.forward(x, context)
                if {x.dtype, y.dtype} == {tf.float64}:
                    return tf.float64
            except REFUSALS:
                pass
        return self.y.dtype

    @property
    def exact(self):
        """Whether it is examined in float64."""
        return self.dtype == tf.float64


class Walk:
    """The layers of a bijector, data end first. Each has to be evaluated before the next is asked for.

    Attributes:
      latents: `Tensor` `[n, ...]`, once all layers were evaluated; `None` where one gives nothing to go on with.
    """

    def __init__(self, bijector, y, ndims, context):
        self._start, self.latents = (bijector, "", y, ndims, context, True), None

    def __iter__(self):
        try:
            self.latents, _ = yield from _leaves(*self._start)
        except Stopped:
            return


def _leaves(bijector, path, y, ndims, context, own):
    """Layers of the bijector at that path; returns what comes out of the last, and its rank."""
    if isinstance(bijector, WithoutContext):
        (inner,) = bijector.parts
        return (yield from _leaves(inner, path or inner.name, y, ndims, None, own))
    if isinstance(bijector, FactorOut):
        kept = bijector.parameters["num_kept"]
        a, b = tf.split(y, [kept, y.shape[-1] - kept], axis=-1)
        inner = bijector.bijector
        a, ndims = yield from _leaves(inner, _joined(path, inner.name), a, ndims, context, own)
        return tf.concat([a, b], axis=-1), ndims
    if isinstance(bijector, Repeated):
        own, links = False, bijector.unrolled()
        names = [f"{path or bijector.name}[{i}]" for i in range(len(links))]
    elif composition.is_chain(bijector):
        links = list(bijector.bijectors)
        count = collections.Counter(link.name for link in links)
        names = [link.name if count[link.name] == 1 else f"{link.name}[{i}]" for i, link in enumerate(links)]
        names = [_joined(path, name) for name in names]
        context = bijector.standardised(context, y.dtype) if isinstance(bijector, Chain) else context
    else:
        layer = Layer(path or bijector.name, bijector, y, ndims, context, own)
        yield layer
        if not goes_on(layer):
            raise Stopped
        return layer.x, layer.ndims_after
    for link, name in zip(links, names, strict=True):
        y, ndims = yield from _leaves(link, name, y, ndims, context, own)
    return y, ndims


def _joined(path, name):
    return f"{path}/{name}" if path else name


def copied(context, count):
    """The contexts of so many events that are copies, one after another, of as many as there are contexts."""
    return None if context is None else tf.repeat(context, count // len(context), axis=0)


def goes_on(layer):
    """Whether all that a layer gave is finite."""
    return not layer.refused and bool(np.isfinite(layer.x).all() and np.isfinite(layer.log_det).all())
