"""A deep Glow: 96 steps, trained on photographs, still inverts."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.datasets import natural_patches
from tfflows.models import Glow


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_reconstruction_at_96_steps_after_training(dtype):
    keras.utils.set_random_seed(0)
    patches = natural_patches()
    flow = Glow((32, 32, 3), num_levels=3, steps_per_level=32, hidden_filters=128, seed=0, dtype=dtype)
    flow.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
    losses = flow.fit(patches.train[:1600], batch_size=16, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    y = flow.dequantization(patches.test[:32], seed=0)[0]
    errors = {"as trained": error(flow, y), "in float32": error(flow.with_precision("float32"), y)}
    print(f"{dtype}: largest error of a pixel, " + ", ".join(f"{how} {value:.1e}" for how, value in errors.items()))
    # Networks in half precision round what they are given: an input a hair away may round to the next number.
    assert errors["in float32"] <= 1e-4
    assert errors["as trained"] <= {"float32": 1e-4, "mixed_float16": 1e-3, "mixed_bfloat16": 1e-2}[dtype]


def error(flow, y):
    """The largest error of `forward(inverse(y))`, pixels from 0 to 1."""
    back = flow.bijector.forward(tf.identity(flow.bijector.inverse(y)))
    return float(tf.reduce_max(tf.abs(back - y))) / 256
