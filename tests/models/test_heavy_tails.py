"""Data whose moments are ruled by outliers, log-normal with sigma 3, in vector flows."""

import keras
import numpy as np
import pytest

from tfflows.models import AutoregressiveFlow, NeuralSplineFlow, RealNVP

SIGMA = 3.0
LOG = SIGMA * np.random.default_rng(0).normal(size=(20_000, 2))
X = np.exp(LOG)
NATS = 2 * (np.log(SIGMA) + 0.5 * np.log(2 * np.pi * np.e))
QUARTILES = np.exp(SIGMA * 0.6745 * np.array([[-1.0], [0.0], [1.0]]))
FLOWS = {
    "real_nvp": lambda **options: RealNVP((2,), tails=True, **options),
    "splines": lambda **options: NeuralSplineFlow((2,), **options),
    "autoregressive": lambda **options: AutoregressiveFlow((2,), tails=True, **options),
}


def off_by(samples):
    """How far quartiles are from the true ones, as a share of these; those below 0 by more than 1."""
    return np.abs(np.quantile(samples, [0.25, 0.5, 0.75], axis=0) / QUARTILES - 1)


@pytest.mark.parametrize("name", FLOWS)
def test_where_training_starts(name):
    flow = FLOWS[name](num_layers=2, hidden_units=(4,), seed=0)
    flow.adapt(X)
    assert NATS - 0.01 < -np.mean(flow.log_prob(X)) < NATS + 2.0
    assert off_by(flow.sample(20_000, seed=0))[1:].max() < 0.7


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gap", "off"), [("splines", 0.5, 0.5), ("autoregressive", 0.7, 1.0)])
def test_a_fit(name, gap, off):
    keras.utils.set_random_seed(0)
    flow = FLOWS[name](seed=0)
    flow.compile(keras.optimizers.Adam(1e-3))
    flow.fit(X, epochs=8, batch_size=256, verbose=0)
    log = SIGMA * np.random.default_rng(1).normal(size=(20_000, 2))
    truth = -0.5 * (log / SIGMA) ** 2 - 0.5 * np.log(2 * np.pi) - np.log(SIGMA) - log
    assert np.mean(truth.sum(1) - flow.predict(np.exp(log), verbose=0)) < gap
    assert off_by(flow.sample(20_000, seed=0)).max() < off
