"""A deep Glow: 96 steps, trained on photographs, still inverts."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.datasets import natural_patches
from tfflows.models import Glow

PRECISIONS = ["float32", "mixed_float16", "mixed_bfloat16"]
TARGET = 1e-4


@functools.cache
def trained(dtype):
    """A trained flow and dequantized test images."""
    keras.utils.set_random_seed(0)
    patches = natural_patches()
    flow = Glow((32, 32, 3), num_levels=3, steps_per_level=32, hidden_filters=128, seed=0, dtype=dtype)
    flow.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
    losses = flow.fit(patches.train[:1600], batch_size=16, verbose=0).history["loss"]
    assert np.isfinite(losses).all()
    return flow, flow.dequantization(patches.test[:32], seed=0)[0]


@pytest.mark.slow
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_reconstruction_in_float32_at_96_steps_after_training(dtype):
    flow, y = trained(dtype)
    largest = error(flow.with_precision("float32"), y)
    print(f"{dtype}, then float32: largest error of a pixel {largest:.1e}")
    assert largest <= TARGET


@pytest.mark.slow
@pytest.mark.parametrize("dtype", PRECISIONS)
def test_reconstruction_at_96_steps_after_training(dtype, request):
    if dtype != "float32":
        # Networks in half precision round what they are given: an input a hair away may round to the next number.
        request.applymarker(pytest.mark.xfail(strict=True, raises=AssertionError, reason="missed, see README"))
    flow, y = trained(dtype)
    largest = error(flow, y)
    print(f"{dtype}: largest error of a pixel {largest:.1e}")
    assert largest <= TARGET


def error(flow, y):
    """The largest error of `forward(inverse(y))`, pixels from 0 to 1."""
    back = flow.bijector.forward(tf.identity(flow.bijector.inverse(y)))
    return float(tf.reduce_max(tf.abs(back - y))) / 256
