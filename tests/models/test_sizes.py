"""Every model is adapted, fitted, asked and judged once at the size of data sets that people have, of width 1."""

import keras
import numpy as np
import pytest

from tfflows import datasets, evaluation
from tfflows.layers import VariationalDequantization
from tfflows.models import AutoregressiveFlow, Glow, NeuralSplineFlow, RealNVP, TransformerFlow

MNIST, CIFAR = (60_000, 28, 28, 1), (10_000, 32, 32, 3)
BATCH = 2000

_NARROW = {"num_levels": 1, "hidden_filters": 1, "seed": 0}
_TOKENS = {"patch_size": 4, "num_flows": 1, "num_blocks": 1, "units": 1, "num_heads": 1, "seed": 0}


def noise(shape):
    return VariationalDequantization(shape, num_couplings=2, hidden_filters=(1,), feature_filters=1, seed=0)


IMAGES = {
    "real_nvp": lambda shape: RealNVP(image_shape=shape, num_blocks=1, **_NARROW),
    "real_nvp, variational": lambda shape: RealNVP(
        image_shape=shape, num_blocks=1, dequantization=noise(shape), **_NARROW
    ),
    "glow": lambda shape: Glow(shape, steps_per_level=1, **_NARROW),
    "glow, variational": lambda shape: Glow(shape, steps_per_level=1, dequantization=noise(shape), **_NARROW),
    "transformer": lambda shape: TransformerFlow(shape, **_TOKENS),
    "transformer, noise": lambda shape: TransformerFlow(shape, noise=0.05, **_TOKENS),
}
_ONE = {"num_layers": 2, "hidden_units": (1,), "seed": 0}
VECTORS = {
    "real_nvp": lambda size: RealNVP((size,), **_ONE),
    "autoregressive": lambda size: AutoregressiveFlow((size,), **_ONE),
    "spline": lambda size: NeuralSplineFlow((size,), **_ONE),
}


def pixels(shape):
    return np.random.default_rng(0).integers(0, 256, shape).astype("uint8")


def used(flow, x):
    flow.compile(keras.optimizers.Adam(1e-4))
    history = flow.fit(x, batch_size=BATCH, verbose=0)
    assert flow.adapted and np.isfinite(history.history["loss"]).all()
    assert all(np.isfinite(weight).all() for weight in flow.get_weights())
    answers = flow.predict(x, batch_size=BATCH, verbose=0)
    assert answers.shape == (len(x),) and np.isfinite(answers).all()
    assert np.isfinite(flow.evaluate(x, batch_size=BATCH, verbose=0))


@pytest.mark.slow
@pytest.mark.parametrize("shape", [MNIST, CIFAR], ids=["mnist", "cifar10"])
@pytest.mark.parametrize("name", IMAGES)
def test_images(name, shape):
    flow, x = IMAGES[name](shape[1:]), pixels(shape)
    used(flow, x)
    if flow.dequantization.bounds:
        data = datasets.Dataset("pixels", x, x[:2], x, discrete_levels=256)
        nats = evaluation.discrete_negative_log_likelihood(flow, data, num_draws=1)
        assert nats.count == len(x) and np.isfinite(nats.mean)


@pytest.mark.slow
@pytest.mark.parametrize("name", VECTORS)
def test_vectors(name):
    x = pixels((60_000, 784)).astype("float32")
    flow = VECTORS[name](784)
    used(flow, x)
    assert np.isfinite(evaluation.negative_log_likelihood(flow, x).mean)
