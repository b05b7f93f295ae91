"""What evaluation is given is measured as it is meant, or refused by name."""

import math

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import datasets, evaluation
from tfflows.layers import GaussianAugmentation, UniformDequantization
from tfflows.models import FlowModel

tfb, tfd = tfp.bijectors, tfp.distributions

SHAPES = {"entries": lambda x: -(x**2), "column": lambda x: -(x**2).sum(1, keepdims=True), "one": lambda x: -x.sum()}


class Shaped:
    dequantization = None

    def __init__(self, name):
        self.log_prob = lambda x: SHAPES[name](np.asarray(x))

    def sample_and_log_prob(self, n, *, seed):
        x = np.zeros([n, 3])
        return x, self.log_prob(x)


@pytest.mark.parametrize("name", SHAPES)
def test_log_probabilities_of_another_shape_are_refused(name):
    x, model = np.ones([12, 3]), Shaped(name)
    whole = datasets.Dataset("ones", *3 * [np.ones([12, 3], "int32")], discrete_levels=2)
    density = tfd.MultivariateNormalDiag(tf.zeros(3, tf.float64), tf.ones(3, tf.float64))
    for ask in (
        lambda: evaluation.negative_log_likelihood(model, x),
        lambda: evaluation.gap_to_density(density, model, x),
        lambda: evaluation.discrete_negative_log_likelihood(model, whole, num_draws=1),
        lambda: evaluation.importance_weighted(model, whole, num_draws=1),
        lambda: evaluation.reverse_divergence(model, density.log_prob, num_samples=12),
    ):
        shape = {"entries": r"\(12, 3\)", "column": r"\(12, 1\)", "one": r"\(\)"}[name]
        with pytest.raises(
            ValueError, match=rf"one number for each event, here of shape \(12,\). Received: .* {shape}"
        ):
            ask()


def flow_over_levels(layer):
    """Uniform over the reals of the levels that are kept."""
    uniform = tfd.Sample(tfd.Uniform(0.0, 1.0), [2, 2, 1])
    stretched = tfd.TransformedDistribution(uniform, tfb.Scale(float(layer.kept_levels)))
    return FlowModel(stretched, dequantization=layer)


def images():
    x = np.random.default_rng(0).integers(0, 256, (50, 2, 2, 1)).astype("uint8")
    return datasets.Dataset("random", x, x, x, discrete_levels=256)


@pytest.mark.parametrize("kept, of_kept", [(256, 8), (32, 5), (2, 1)])
def test_bits_are_those_of_the_data_or_of_the_levels_that_are_kept(kept, of_kept):
    """Of uniform 8-bit data any number of bits is known: 8 of the data, as many as are kept of what is kept."""
    model = flow_over_levels(UniformDequantization(256, kept_levels=kept))
    for measure in (evaluation.discrete_negative_log_likelihood, evaluation.importance_weighted):
        whole, reduced = (measure(model, images(), num_draws=2, reduced=each) for each in (False, True))
        bits = [evaluation.bits_per_dim(each, (2, 2, 1)).mean for each in (whole, reduced)]
        np.testing.assert_allclose(bits, [8, of_kept], rtol=1e-6)


def test_a_density_of_noisy_images_is_no_bound():
    model = flow_over_levels(GaussianAugmentation(256, scale=0.01))
    with pytest.raises(ValueError, match="noisy images gives no bound.*Received: a flow with GaussianAugmentation"):
        evaluation.discrete_negative_log_likelihood(model, images())
    with pytest.raises(ValueError, match="noisy images gives no bound"):
        evaluation.importance_weighted(model, images())


def test_rows_in_float64_measure_the_flow_in_its_own_precision():
    base = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    links = [tfb.Scale(tf.constant(1.1)), tfb.Shift(tf.constant(0.3))] * 4
    model, x = (
        FlowModel(tfd.TransformedDistribution(base, tfb.Chain(links))),
        np.random.default_rng(0).normal(size=(99, 2)),
    )
    single, double = (evaluation.reconstruct(model, x.astype(kind)) for kind in ("float32", "float64"))
    assert 1e-8 < double.max_float_error < 1e-5
    np.testing.assert_array_equal(single.float_errors, double.float_errors)


class Coins:
    """The right posterior of coins that the data say nothing of."""

    def __init__(self):
        self.seeds = []

    def sample(self, n, *, context, seed):
        self.seeds.append(seed)
        return np.random.default_rng(seed).integers(0, 3, (n, 2))


def test_ties_are_broken_at_random():
    truth = np.random.default_rng(5).integers(0, 3, (4000, 2))
    found = evaluation.simulation_based_calibration(Coins(), truth, np.zeros([4000, 1]))
    assert (found.p_values > 1e-3).all() and found.ranks.min() == 0 and found.ranks.max() == 99
    wrong = evaluation.simulation_based_calibration(Coins(), np.minimum(truth, 1), np.zeros([4000, 1]))
    assert (wrong.p_values < 1e-6).all()


def test_neighbouring_seeds_share_no_draws():
    seen = []
    for seed in range(3):
        model = Coins()
        evaluation.simulation_based_calibration(model, np.zeros([8000, 2]), np.zeros([8000, 1]), seed=seed)
        assert len(model.seeds) == 4
        seen += model.seeds
    assert len(set(seen)) == 12


def test_a_tfp_distribution_of_events_is_taken_as_it_is():
    found = evaluation.negative_log_likelihood(
        tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2)), np.zeros([5, 2], "f")
    )
    assert found.mean == pytest.approx(math.log(2 * math.pi), rel=1e-6)
