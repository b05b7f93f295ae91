"""Flows with one planted fault each, and bijectors that are wrong in one place."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, models, networks
from tfflows.joint import KerasBijector

tfb, tfd = tfp.bijectors, tfp.distributions

DATA = (np.random.default_rng(0).normal(size=(80, 2)) * [1.0, 3.0] + [2.0, -1.0]).astype("float32")
IMAGES = np.random.default_rng(1).integers(0, 256, (60, 4, 4, 1)).astype("uint8")


class Stretch(KerasBijector):
    """`y = x exp(s)` with one scale an entry, right unless it is told otherwise."""

    def __init__(self, event_shape, *, sign=1.0, inverse_by=1.0, half=False, hidden=None, name="stretch"):
        super().__init__(
            forward_min_event_ndims=len(event_shape), event_shape=event_shape, parameters=dict(locals()), name=name
        )
        scales = 0.3 + 0.1 * np.random.default_rng(2).normal(size=event_shape)
        self.log_scale = self.add_weight(name="log_scale", value=scales.astype("float32"))
        self.sign, self.inverse_by, self.half, self._hidden = sign, inverse_by, half, hidden

    def forward_and_log_det(self, x, context=None):
        log_scale = self._log_scale(x)
        return x * tf.exp(log_scale), self._log_det(x, log_scale)

    def inverse_and_log_det(self, y, context=None):
        log_scale = self._log_scale(y)
        return self.inverse_by * y * tf.exp(-log_scale), self._log_det(y, -log_scale)

    def _log_scale(self, x):
        log_scale = tf.cast(self.log_scale.value, x.dtype)
        return log_scale if self._hidden is None else log_scale + tf.cast(self._hidden(), x.dtype)

    def _log_det(self, x, log_scale):
        if self.half:
            log_scale = tf.cast(log_scale, tf.float16)
        axes = list(range(-self.forward_min_event_ndims, 0))
        total = self.sign * tf.cast(tf.reduce_sum(log_scale, axis=axes), x.dtype)
        return tf.fill(tf.shape(x)[: -self.forward_min_event_ndims], total)


def distribution(*links, shape=(2,)):
    base = tfd.Sample(tfd.Normal(0.0, 1.0), shape)
    return tfd.TransformedDistribution(base, bijectors.Chain([bijectors.ActNorm(shape), *links]))


def flow(*links, data=DATA):
    """A flow that ends with these links towards the latents, adapted."""
    found = models.FlowModel(distribution(*links, shape=data.shape[1:]))
    found.adapt(data)
    return found


def coupling(conditioner=None, name="coupling", **options):
    net = networks.MLP(2, hidden_units=(8,), zero_init=False, seed=1) if conditioner is None else conditioner
    return bijectors.AffineCoupling([1, 0], net, name=name, **options)


def wrong_sign():
    return flow(coupling(), Stretch((2,), sign=-1.0)), DATA, "stretch"


def not_an_inverse():
    return flow(Stretch((2,), inverse_by=1.001), coupling()), DATA, "stretch"


def untracked():
    """What the layer reads no one sees: a `FlowModel` refuses it, TFP takes it."""
    variable = tf.Variable([0.1, 0.2], name="hidden_from_all")
    found = distribution(coupling(), Stretch((2,), hidden=variable.read_value))
    found.bijector.adapt(tf.constant(DATA))
    return found, DATA, "stretch"


def singular():
    glow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=3, hidden_filters=4, mixing="plain", seed=0)
    glow.adapt(IMAGES)
    (kernels,) = [w for w in glow.weights if "kernel" in w.path and w.shape == (3, 4, 4)]
    value = kernels.numpy()
    value[1, 2] = value[1, 0] + value[1, 1]
    kernels.assign(value)
    return glow, IMAGES, "level_0/steps_0[1]/invertible_conv"


def exploded():
    found = models.RealNVP((2,), num_layers=2, hidden_units=(4,), log_scale_bound="none", seed=0)
    found.adapt(DATA)
    found.bijector.bijectors[1].conditioner.dense[-1].bias.assign([0.0, -12.0])
    return found, DATA, "coupling_0"


def half_log_det():
    return flow(coupling(), Stretch((2,), half=True)), DATA, "stretch"


def never_adapted():
    found = distribution(coupling(), bijectors.ActNorm([2], name="second"))
    found.bijector.bijectors[0].adapt(tf.constant(DATA))
    return models.FlowModel(found), DATA, "second"


def dead():
    found = flow(coupling(), bijectors.Permutation([1, 0]), coupling(name="dead"))
    hidden, last = found.bijector.bijectors[3].conditioner.dense
    hidden.bias.assign(tf.fill(hidden.bias.shape, -100.0))
    last.bias.assign([0.3, -0.2])
    return found, DATA, "dead"


FAULTS = {
    "wrong log-det sign": wrong_sign,
    "not an inverse": not_an_inverse,
    "untracked weight": untracked,
    "singular kernel": singular,
    "exploded scale": exploded,
    "half-precision log-det": half_log_det,
    "never adapted": never_adapted,
    "dead coupling": dead,
}


class Held(keras.layers.Layer):
    """A network whose gradient stops."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2, kernel_initializer=keras.initializers.RandomNormal(stddev=0.1, seed=0))

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, x):
        return self.dense(tf.stop_gradient(x))
