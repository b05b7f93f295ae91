"""Ordinary Keras layers in `tfb.RealNVP` and `tfb.MaskedAutoregressiveFlow`, called as Keras has it."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors


def prepare(root):
    """Has the native couplings and autoregressive bijectors in a tree call their ordinary Keras layers as these are.

    TFP calls a network with the number of units as well, or takes its last axis for shift and log-scale. An ordinary
    layer, whose `__call__` is Keras's, is called with one batch axis, and may give the shift alone (`[..., D]`), both
    (`[..., 2 D]`, the shift first, or `[..., D, 2]`) or a pair, whose second may be `None`. With keywords
    (`bijector_kwargs`) TFP's own convention stays.
    """
    for module in (root, *root.submodules):
        layer = getattr(module, "_shift_and_log_scale_fn", None)
        ordinary = isinstance(layer, keras.layers.Layer) and type(layer).__call__.__module__.startswith("keras.")
        vectors = isinstance(module, tfb.MaskedAutoregressiveFlow) and module._event_ndims == 1
        if ordinary and (vectors or isinstance(module, tfb.RealNVP)) and not isinstance(module._bijector_fn, _Network):
            module._bijector_fn = _Network(layer, module._bijector_fn, autoregressive=vectors)


def check_order(distribution):
    """Refuses ordinary layers of `tfb.MaskedAutoregressiveFlow`s over vectors that see what they are to predict."""
    dtype = distribution.dtype
    for module in distribution.submodules if tf.executing_eagerly() else ():
        function = getattr(module, "_bijector_fn", None)
        if isinstance(function, _Network) and function.autoregressive and function.size:
            size = function.size
            x = tf.random.stateless_normal([1, size], [0, 1], dtype=dtype)
            moved = tf.concat([x, x + tf.eye(size, dtype=dtype)], axis=0)
            shift, log_scale = _outputs(function.layer, moved, size)
            for part in (shift, log_scale):
                change = None if part is None else tf.linalg.band_part(tf.abs(part[1:] - part[:1]), -1, 0)
                if change is not None and tf.reduce_any(change > 1e-6 * (1.0 + tf.reduce_max(tf.abs(part)))):
                    entry = [int(i) for i in tf.where(change > 0.0)[0]]
                    raise ValueError(
                        "A layer of a tfb.MaskedAutoregressiveFlow must make the shift and log-scale of an entry of "
                        f"those before it alone. Received: {function.layer.name}, whose outputs for entry {entry[1]} "
                        f"change with entry {entry[0]}"
                    )


class _Network:
    """What stands for TFP's `bijector_fn(x, [units], **kwargs)`, which is called where there are keywords."""

    def __init__(self, layer, native, autoregressive):
        self.layer, self.native, self.autoregressive = layer, native, autoregressive
        self.size = None  # of the vectors of the last call

    def __call__(self, x, *units, **kwargs):
        if kwargs:
            return self.native(x, *units, **kwargs)
        self.size = x.shape[-1]
        shift, log_scale = _outputs(self.layer, x, *(units or [self.size]))
        links = [] if shift is None else [tfb.Shift(shift)]
        return tfb.Chain(links if log_scale is None else [*links, tfb.Scale(log_scale=log_scale)])


def _outputs(layer, x, units):
    """Shift and log-scale, `[..., units]` or `None`."""
    batch = tf.shape(x)[:-1]
    found = layer(x if x.shape.rank == 2 else tf.reshape(x, [-1, x.shape[-1]]))
    if isinstance(found, (tuple, list)):
        pair = list(found)
    elif found.shape.rank == 3 and found.shape[1:] == (units, 2):
        pair = tf.unstack(found, axis=-1)
    else:
        pair = tf.split(found, 2, axis=-1) if found.shape[-1] == 2 * units else [found, None]
    shapes = [None if part is None else tuple(part.shape) for part in pair]
    if len(pair) != 2 or any(shape is not None and (len(shape) != 2 or shape[1] != units) for shape in shapes):
        raise ValueError(
            f"{layer.name} must give a shift and a log-scale of {units} entries: one tensor [batch, {2 * units}], a "
            f"shift alone [batch, {units}], or a pair. Received: shapes {shapes}"
        )
    if x.shape.rank != 2:
        shape = tf.concat([batch, [units]], axis=0)
        pair = [None if part is None else tf.reshape(part, shape) for part in pair]
    return [None if part is None else tf.cast(part, x.dtype) for part in pair]
