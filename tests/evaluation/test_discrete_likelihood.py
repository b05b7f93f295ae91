"""Bounds of discrete likelihood against exact probabilities: all preprocessing and all noise counted once."""

import itertools
import math

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from PIL import Image

from tfflows import bijectors, datasets, evaluation
from tfflows.layers import UniformDequantization, VariationalDequantization
from tfflows.models import FlowModel, Glow, RealNVP

tfb, tfd = tfp.bijectors, tfp.distributions


def _data(x, levels):
    return datasets.Dataset("grid", x, x, x, discrete_levels=levels)


def _all_images(shape, levels):
    return np.array(list(itertools.product(range(levels), repeat=math.prod(shape))), "uint8").reshape(-1, *shape)


def _probabilities(model, images, levels, num_draws, **options):
    """Importance-weighted estimates of `P(x)` of each image alone."""
    options["num_draws"] = num_draws
    ones = [_data(image[None], levels) for image in images]
    return np.exp([-evaluation.importance_weighted(model, one, seed=k, **options).mean for k, one in enumerate(ones)])


def _normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(np.asarray(x) / math.sqrt(2)))


SHAPE, LEVELS, MEANS, SCALE = (1, 2, 1), 3, np.array([0.3, -0.8]), 0.7


def _cells(floor):
    """Exact probability of each level of each pixel: pixel = (sigmoid(normal) - floor) / (1 - 2 floor) * levels."""
    edges = floor + (1 - 2 * floor) * np.arange(LEVELS + 1) / LEVELS
    with np.errstate(divide="ignore"):
        logits = np.log(edges) - np.log1p(-edges)
    return np.diff(_normal_cdf((logits[None] - MEANS[:, None]) / SCALE), axis=1)


@pytest.mark.parametrize("floor", [0.0, 0.05])
@pytest.mark.parametrize("kind", [UniformDequantization, VariationalDequantization])
def test_importance_weighted_is_the_exact_probability(kind, floor):
    options = (
        {} if kind is UniformDequantization else {"image_shape": SHAPE, "num_couplings": 2, "hidden_filters": (4,)}
    )
    dequantization = kind(levels=LEVELS, **options)
    for k, weight in enumerate(dequantization.trainable_variables):  # a noise that is not uniform
        weight.assign_add(np.random.default_rng(k).normal(size=weight.shape, scale=0.02))
        if "conv_last/bias" in weight.path and "noise_net" in weight.path:
            weight.assign([0.2, 0.6])  # wide enough for weights of finite variance in practice
    pixels = tfb.Chain([
        tfb.Invert(bijectors.Logit(floor, high=float(LEVELS))),
        tfb.Shift(tf.constant(MEANS.reshape(SHAPE), tf.float32)),
        tfb.Scale(tf.constant(SCALE)),
    ])  # fmt: skip
    base = tfd.Sample(tfd.Normal(0.0, 1.0), SHAPE)
    model = FlowModel(tfd.TransformedDistribution(base, pixels), dequantization=dequantization)
    images = _all_images(SHAPE, LEVELS)
    exact = np.prod(_cells(floor)[[0, 1], images.reshape(-1, 2)], axis=1)
    found = _probabilities(model, images, LEVELS, num_draws=4000)
    np.testing.assert_allclose(found, exact, rtol=0.06)
    np.testing.assert_allclose(found.sum(), np.prod(_cells(floor).sum(axis=1)), rtol=0.02)
    if floor == 0:
        np.testing.assert_allclose(found.sum(), 1, rtol=0.02)


FLOWS = {
    "glow": lambda: Glow((2, 2, 1), num_levels=1, steps_per_level=2, hidden_filters=4, discrete_levels=2, seed=0),
    "glow, 1 of 2 bits": lambda: Glow(
        (2, 2, 1), num_levels=1, steps_per_level=1, hidden_filters=4, discrete_levels=4, num_bits=1, seed=1
    ),
    "real_nvp, variational": lambda: RealNVP(
        image_shape=(2, 2, 1),
        num_levels=1,
        num_blocks=1,
        hidden_filters=4,
        discrete_levels=2,
        dequantization=VariationalDequantization((2, 2, 1), 2, num_couplings=2, hidden_filters=(4,), seed=2),
        seed=2,
    ),
}


# The noise of the last is compared to exact probabilities above, and flows that are trained in the first two.
SLOW = {"real_nvp, variational": pytest.mark.slow}


@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW.get(name, ())) for name in FLOWS])
def test_probabilities_are_the_share_of_draws_in_each_cell(name):
    flow = FLOWS[name]()
    step = flow.dequantization.levels // flow.dequantization.kept_levels
    images = _all_images((2, 2, 1), 2) * step
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(16))
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(images[rng.choice(16, size=1024, p=chances)], batch_size=64, epochs=8, verbose=0)
    found = _probabilities(flow, images, flow.dequantization.levels, num_draws=3000, reduced=True)
    draws = flow.bijector.forward(flow.distribution.distribution.sample(60_000, seed=[0, 7])).numpy()
    cells = np.floor(draws).reshape(-1, 4)
    share = np.array([(cells == image.ravel() // step).all(axis=1).mean() for image in images])
    error = 5 * np.sqrt(share / 60_000) + 0.08 * share + 2e-4
    close = np.abs(found - share) < error
    # A learned noise is narrow where it has seen little: there, a few draws carry most of the weight.
    assert close.sum() >= (14 if "variational" in name else 16), (found, share)
    np.testing.assert_allclose(found[close].sum(), share[close].sum(), rtol=0.03)
    assert share.max() > 0.05 and share.sum() > 0.5, "rare cells would prove little"


class Tilted:
    """A density over `[0, 2)^3` of fair coins that gives `tilt` of each to the lower half of its cell."""

    def __init__(self, tilt):
        self.tilt = tilt

    def log_prob(self, x):
        low = (x - np.floor(x)) < 0.5
        return np.log(np.where(low, self.tilt, 1 - self.tilt)).sum(axis=1)


def _coins(n=3000):
    return _data(np.random.default_rng(0).integers(2, size=(n, 3)).astype(np.int32), 2)


def test_more_draws_tighten_the_bound_towards_the_truth():
    model, data, exact = Tilted(0.9), _coins(), 3 * math.log(2)
    found = [evaluation.importance_weighted(model, data, num_draws=k, seed=2) for k in (1, 4, 16, 256)]
    for looser, tighter in itertools.pairwise(found):
        assert looser.mean - tighter.mean > 3 * tighter.standard_error
    assert 0 < found[-1].mean - exact < 0.02
    one = evaluation.discrete_negative_log_likelihood(model, data, num_draws=1, seed=2)
    np.testing.assert_allclose([one.mean, one.standard_error], [found[0].mean, found[0].standard_error], rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 700, 100_000])
def test_batches_and_draws_have_noise_of_their_own(batch_size):
    data = _coins(700 if batch_size == 1 else 3000)
    found = evaluation.discrete_negative_log_likelihood(Tilted(0.9), data, num_draws=4, batch_size=batch_size)
    deviation = 0.5 * math.log(9) * math.sqrt(3)  # of one draw: each coin is one of two values with equal chances
    np.testing.assert_allclose(found.standard_error, deviation / math.sqrt(4 * found.count), rtol=0.1)
    expected = 3 * (math.log(2) - 0.5 * math.log(4 * 0.9 * 0.1))
    assert abs(found.mean - expected) < 4 * found.standard_error


def test_the_first_examples_only():
    x = np.repeat([[0, 0, 0], [1, 1, 1]], 5, axis=0).astype(np.int32)
    model = type("Rising", (), {"log_prob": lambda self, x: np.log(np.where(x < 1, 0.9, 0.1)).sum(axis=1)})()
    few = evaluation.importance_weighted(model, _data(x, 2), num_draws=2, batch_size=3, num_examples=5)
    assert few.count == 5
    np.testing.assert_allclose(few.mean, -3 * math.log(0.9), rtol=1e-6)


def test_streams_of_images_give_what_their_arrays_give(tmp_path):
    for k in range(20):
        place = tmp_path / "images" / "ab"[k % 2]
        place.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(k).integers(0, 256, (4, 4, 3), "uint8")
        Image.fromarray(pixels).save(place / f"{k}.png")
    stream = datasets.from_image_folder(tmp_path / "images", memory_bytes=0)
    assert isinstance(stream, datasets.ImageStream)
    flow = Glow((4, 4, 3), num_levels=1, steps_per_level=1, hidden_filters=4, num_classes=2)
    options = {"split": "train", "with_context": True, "num_draws": 3, "batch_size": 6}
    for measure in (evaluation.importance_weighted, evaluation.discrete_negative_log_likelihood):
        found = [measure(flow, data, **options) for data in (stream, stream.in_memory())]
        assert found[0].count == stream.num_examples("train")
        np.testing.assert_allclose(found[0].mean, found[1].mean, rtol=1e-6)
    bits = evaluation.bits_per_dim(found[0], stream.event_shape)
    np.testing.assert_allclose(bits.mean, found[0].mean / (48 * math.log(2)))
