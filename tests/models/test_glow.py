"""Glow: the published architecture, exact densities, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors, metrics
from tfflows.joint import composition
from tfflows.models import Glow, load_model


def small(image_shape=(8, 8, 2), **options):
    defaults = {"num_levels": 2, "steps_per_level": 2, "hidden_filters": 8, "seed": 0}
    return Glow(image_shape, **{**defaults, **options})


def images(n, shape=(8, 8, 2), levels=256, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (n, *shape)).astype("uint8")


def shaken(flow, by=0.05):
    """A flow with no weight where it starts: the last layers of networks start at 0."""
    rng = np.random.default_rng(5)
    for weight in flow.trainable_variables:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return flow


def published_count(channels, levels, steps, width, affine=True):
    """Trainable weights of the published code, line by line; without `--learntop` (its flag, off by default)."""
    total = 0
    for level in range(levels):
        channels *= 4  # squeeze
        half = channels // 2
        outputs = channels if affine else half
        actnorm, mixing = 2 * channels, channels**2
        first = 9 * (half + 1) * width + 2 * width  # 3x3, one input more for the border; its actnorm
        second = width * width + 2 * width  # 1x1; its actnorm
        last = 9 * (width + 1) * outputs + 2 * outputs  # 3x3 with the border; bias and log-scale
        total += steps * (actnorm + mixing + first + second + last)
        if level + 1 < levels:
            total += 9 * (half + 1) * channels + 2 * channels  # prior of the half factored out: 2 half outputs
            channels = half
    return total


def trainable(flow):
    return sum(int(np.prod(v.shape)) for v in flow.trainable_variables)


@pytest.mark.parametrize("affine", [True, False])
def test_as_many_weights_as_the_published_code(affine):
    flow = small((32, 32, 3), num_levels=3, coupling="affine" if affine else "additive", learned_prior=False)
    assert trainable(flow) == published_count(3, 3, 2, 8, affine)


def test_the_learned_prior_has_a_mean_and_a_scale_for_every_entry():
    # The published one convolves an image of zeros, so 9 * 2C * 2C of its weights do nothing.
    assert trainable(small()) - trainable(small(learned_prior=False)) == 2 * (2 * 2 * 16)


@pytest.mark.slow
def test_cifar10_setting_has_as_many_weights_as_the_published_code():
    # Steps of 12, 24 and 48 channels, and the priors of 6 and 12 channels factored out:
    by_hand = 32 * (352_044 + 435_576 + 603_504) + 780 + 2_856
    flow = Glow((32, 32, 3), num_levels=3, steps_per_level=32, hidden_filters=512, learned_prior=False)
    assert trainable(flow) == published_count(3, 3, 32, 512) == by_hand == 44_519_604


@pytest.mark.parametrize("mixing", ["plu", "plain", "shuffle", "reverse"])
def test_log_det_is_autodiffs(mixing):
    levels = 2 if mixing == "plu" else 1
    flow = small((8, 8, 1), num_levels=levels, mixing=mixing, dtype="float64", num_classes=3)
    flow.adapt(images(32, (8, 8, 1)), np.arange(32) % 3)
    shaken(flow)
    y, context = tf.constant(images(1, (8, 8, 1)) + 0.3, "float64"), tf.constant([2])
    copies = tf.repeat(y, 64, axis=0)  # one for each row of the Jacobian
    with tf.GradientTape() as tape:
        tape.watch(copies)
        z = tf.reshape(flow.bijector.inverse(copies, context=tf.repeat(context, 64)), [64, 64])
    jacobian = tf.reshape(tape.gradient(z, copies, output_gradients=tf.eye(64, dtype="float64")), [64, 64])
    expected = np.linalg.slogdet(jacobian)[1]
    log_det = flow.bijector.inverse_log_det_jacobian(tf.identity(y), context=context).numpy()[0]
    assert log_det == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "mixed_float16"])
def test_reconstruction(dtype):
    flow = shaken(small(dtype=dtype, discrete_levels=17), by=0.02)
    x = images(4, levels=17)
    flow.adapt(x)
    y = tf.constant(x + 0.5, "float32")
    back = flow.bijector.forward(tf.identity(flow.bijector.inverse(y)))
    np.testing.assert_allclose(back, y, atol=1e-3)
    np.testing.assert_array_equal(flow.decode(flow.encode(x)), x)


def test_adapt_normalizes_every_actnorm_and_network_once():
    flow, x = small(), images(64)
    assert not flow.adapted
    flow.sample(2)
    assert not flow.adapted  # sampling never initialises
    flow.adapt(x)
    assert flow.adapted
    weights = flow.get_weights()
    z = flow.encode(x, seed=0)
    assert abs(float(tf.math.reduce_std(z)) - 1.0) < 0.3
    flow.adapt(images(64, seed=1))
    for before, after in zip(weights, flow.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)


def test_adapt_is_saved(tmp_path):
    flow = small()
    flow.adapt(images(16))
    flow.save(tmp_path / "glow.keras")
    assert load_model(tmp_path / "glow.keras").adapted


@pytest.mark.parametrize("dequantization", ["uniform", "variational"])
def test_fit_on_pairs_as_tensorflow_datasets_gives_them(dequantization, tmp_path):
    x, labels = images(64), np.arange(64, dtype="int64") % 3
    data = tf.data.Dataset.from_tensor_slices((x, labels)).batch(16)
    flow = small(num_levels=2 if dequantization == "uniform" else 1, num_classes=3, dequantization=dequantization)
    flow.compile(keras.optimizers.Adam(1e-3), metrics=[metrics.BitsPerDimension()])
    history = flow.fit(data, epochs=2, verbose=0).history
    assert np.isfinite(history["bits_per_dim"]).all()
    assert history["bits_per_dim"][-1] == pytest.approx(history["loss"][-1] / (128 * np.log(2)), rel=1e-5)
    samples = flow.sample(3, context=np.array([0, 1, 2]), seed=1)
    assert samples.dtype == tf.uint8 and samples.shape == (3, 8, 8, 2)
    flow.save(tmp_path / "glow.keras")
    loaded = load_model(tmp_path / "glow.keras")
    np.testing.assert_array_equal(loaded.log_prob(x[:4], labels[:4], seed=3), flow.log_prob(x[:4], labels[:4], seed=3))


def test_context_reaches_networks_split_priors_and_the_top_prior():
    flow = small(num_classes=3)
    kernels = [v for v in flow.trainable_variables if "context_kernel" in v.path]
    top = [v for v in flow.trainable_variables if "top_prior" in v.path and v.shape == (3, 2 * 16)]
    assert len(kernels) == 3 and len(top) == 1  # two levels of steps, one split prior
    shaken(flow)
    y, context = tf.constant(images(3) + 0.5, "float32"), tf.constant([0, 1, 2])
    with tf.GradientTape() as tape:
        log_prob = tf.reduce_sum(flow.log_prob(y, context))
    assert all(np.abs(g).max() > 0 for g in tape.gradient(log_prob, [v.value for v in kernels + top]))


def test_fewer_bits():
    flow = small(num_bits=5)
    x = images(8)
    assert flow.dequantization.kept_levels == 32
    np.testing.assert_array_equal(flow.log_prob(x, seed=0), flow.log_prob(x // 8 * 8, seed=0))
    samples = flow.sample(8, seed=0).numpy()
    assert (samples % 8 == 0).all() and samples.max() > 31


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_any_number_of_channels(channels):
    flow = small((4, 8, channels))
    assert flow.sample(2).shape == (2, 4, 8, channels)


def test_reals_are_standardised():
    flow = small(num_levels=1, dequantization=None)
    x = (100 + 5 * np.random.default_rng(0).normal(size=(64, 8, 8, 2))).astype("float32")
    flow.compile("adam", run_eagerly=True)
    flow.fit(x, verbose=0)
    assert np.abs(flow.sample(64, seed=0).numpy().mean() - 100) < 5


def test_shape_learned_by_fit():
    flow = Glow(num_levels=1, steps_per_level=1, hidden_filters=4)
    flow.compile("adam")
    flow.fit(tf.data.Dataset.from_tensor_slices(images(8, (4, 4, 1))).batch(4), verbose=0)
    assert flow.event_shape == (4, 4, 1)


def test_every_step_of_a_level_is_one_structure():
    chains = [each for each in small().bijector.submodules if isinstance(each, bijectors.Repeated)]
    assert [each.num_repeats for each in chains] == [2, 2]
    assert not composition.unadapted(chains[0].step) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (12, 8, 3), "num_levels": 3}, "multiples of 8.*Received: \\(12, 8, 3\\)"),
        ({"image_shape": (8, 8)}, "height, width, channels"),
        ({"num_levels": 0}, "`num_levels` must be an integer of at least 1"),
        ({"coupling": "cubic"}, "`coupling` must be one of .*Received: 'cubic'"),
        ({"mixing": "none"}, "`mixing` must be one of"),
        ({"dequantization": "none"}, "`dequantization` must be one of"),
        ({"preprocessing": "none"}, "`preprocessing` must be one of"),
        ({"num_bits": 9}, "must divide"),
        ({"num_classes": 2, "context_size": 3}, "either a vector"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


@pytest.mark.parametrize("as_dataset", [False, True])
def test_bad_images_and_labels(as_dataset):
    flow = small(num_levels=1, steps_per_level=1, discrete_levels=17, num_classes=3)
    flow.compile("adam")
    x, labels = images(8, levels=17), np.zeros(8, "int64")

    def fit(x, labels):
        if as_dataset:
            flow.fit(tf.data.Dataset.from_tensor_slices((x, labels)).batch(4), verbose=0)
        else:
            flow.fit(x, labels, batch_size=4, verbose=0)

    fit(x, labels)
    with pytest.raises(TypeError, match="integers from 0 to 16.*Received: dtype float32"):
        fit(x.astype("float32"), labels)
    with pytest.raises(ValueError, match="integers from 0 to 16. Received: 1 others, the first 17"):
        fit(np.where(np.arange(x.size).reshape(x.shape) == 3, 17, np.minimum(x, 16)).astype("uint8"), labels)
    with pytest.raises(ValueError, match="from 0 to 2"):
        fit(x, labels + 3)


def test_one_image_batches():
    flow = small(num_levels=1)
    flow.compile("adam")
    flow.fit(images(1), verbose=0)
    assert np.isfinite(flow.evaluate(images(1), verbose=0))
