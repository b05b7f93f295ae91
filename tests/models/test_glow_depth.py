"""A deep Glow: 96 steps, trained on photographs, still inverts."""

import keras
import numpy as np
import pytest

from tfflows import evaluation
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
    largest = evaluation.reconstruct(flow, patches.test[:32]).max_float_error / 256
    print(f"{dtype}: largest error of a pixel {largest:.1e}")
    assert largest <= 1e-4
