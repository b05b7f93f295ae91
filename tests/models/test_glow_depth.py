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
    back = flow.bijector.forward(tf.identity(flow.bijector.inverse(y)))
    error = float(tf.reduce_max(tf.abs(back - y))) / 256  # pixels from 0 to 1
    print(f"{dtype}: largest error {error:.1e}")
    assert error <= 1e-4
