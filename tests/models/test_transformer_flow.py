"""TransformerFlow: exact densities, noise and its removal, guidance, saving, and what it refuses."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows import bijectors, layers, metrics
from tfflows.models import TransformerFlow, load_model

SHAPE = (4, 4, 2)


def small(image_shape=SHAPE, **options):
    defaults = {"patch_size": 2, "num_flows": 2, "num_blocks": 1, "units": 8, "num_heads": 2, "seed": 0}
    return TransformerFlow(image_shape, **{**defaults, **options})


def images(n, shape=SHAPE, levels=256, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (n, *shape)).astype("uint8")


def shaken(flow, by=0.05):
    """A flow with no weight where it starts: the last layers of networks start at 0."""
    rng = np.random.default_rng(5)
    for weight in flow.trainable_variables:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return flow


@pytest.mark.parametrize(("patch_size", "patch_couplings"), [(1, 0), (2, 2), (4, 0)])
def test_log_prob_is_that_of_autodiffs_jacobian(patch_size, patch_couplings):
    flow = small(patch_size=patch_size, patch_couplings=patch_couplings, dtype="float64", num_classes=3)
    flow.adapt(images(64), np.arange(64) % 3)
    shaken(flow)
    y, label = tf.constant(images(1) + 0.3, "float64"), tf.constant([2])
    copies = tf.repeat(y, 32, axis=0)  # one for each row of the Jacobian
    with tf.GradientTape() as tape:
        tape.watch(copies)
        z = tf.reshape(flow.bijector.inverse(copies, context=tf.repeat(label, 32)), [32, 32])
    jacobian = tf.reshape(tape.gradient(z, copies, output_gradients=tf.eye(32, dtype="float64")), [32, 32])
    expected = -0.5 * np.sum(z[0] ** 2) - 16 * np.log(2 * np.pi) + np.linalg.slogdet(jacobian)[1]
    assert float(flow.log_prob(y, label)[0]) == pytest.approx(expected, rel=1e-9)


def test_tokens_are_patches_in_turn_of_direction():
    flow = small(num_flows=3)
    chain = flow.bijector.bijectors
    assert [link._reverse for link in chain if isinstance(link, bijectors.TransformerAutoregressive)] == [0, 1, 0]
    flow.adapt(images(64))
    image = images(1)[0].astype("float32")
    tokens = image
    for link in chain[:3]:  # scale, shift, patches
        tokens = link.inverse(tokens)
    expected = image.reshape(2, 2, 2, 2, 2).transpose(0, 2, 1, 3, 4).reshape(4, 8) / 256 - 0.5
    np.testing.assert_allclose(tokens, expected, atol=1e-6)


def test_adapt_whitens_the_patches():
    flow = small(num_flows=1)
    x = np.cumsum(np.cumsum(images(500, levels=40).astype(int), 1), 2) // 4  # neighbours alike
    flow.adapt(x.astype("uint8"))
    z = flow.encode(x.astype("uint8"), seed=0).numpy().reshape(-1, 8)
    np.testing.assert_allclose(z.mean(0), 0, atol=0.05)
    np.testing.assert_allclose(np.cov(z.T), np.eye(8), atol=0.1)


def test_couplings_inside_of_patches():
    flow = small((2, 2, 3), patch_size=1, patch_couplings=2)  # an odd number of entries
    kinds = [type(link).__name__ for link in flow.bijector.bijectors][3:]
    inside = ["AffineCoupling", "InvertibleConv"] * 2
    layers_ = [*inside, "TransformerAutoregressive"]
    assert kinds == ["InvertibleConv", "ActNorm", *layers_, "InvertibleConv", *layers_]
    assert not any(isinstance(link, bijectors.AffineCoupling) for link in small().bijector.bijectors)
    single = small((2, 2, 1), patch_size=1, patch_couplings=2)  # one entry: nothing to couple
    assert not any(isinstance(link, bijectors.AffineCoupling) for link in single.bijector.bijectors)


def test_reconstruction():
    flow, x = small(discrete_levels=17, patch_couplings=1), images(4, levels=17)
    flow.adapt(images(64, levels=17, seed=1))
    shaken(flow)
    y = tf.constant(x + 0.5, "float32")
    np.testing.assert_allclose(flow.bijector.forward(tf.identity(flow.bijector.inverse(y))), y, atol=1e-3)
    np.testing.assert_array_equal(flow.decode(flow.encode(x)), x)


ONE = {"num_flows": 1}  # where precision and compilation are the point
FITS = [
    {"dtype": "mixed_float16", **ONE},
    pytest.param({"dtype": "mixed_bfloat16", **ONE}, marks=pytest.mark.slow),  # float16 has less room
    {"jit_compile": True, **ONE},
    {},
]


@pytest.mark.parametrize("options", FITS, ids=str)
def test_fit(options):
    options = dict(options)
    jit_compile = options.pop("jit_compile", False)
    x = (images(64) // 8 + 100).astype("uint8")  # narrow: there is something to learn
    flow = small(num_bits=5, **options)
    flow.compile(keras.optimizers.Adam(1e-2), metrics=[metrics.BitsPerDimension()], jit_compile=jit_compile)
    history = flow.fit(x, epochs=4, batch_size=16, verbose=0).history
    assert history["bits_per_dim"][-1] < history["bits_per_dim"][0] < 10
    assert history["bits_per_dim"][-1] == pytest.approx(history["loss"][-1] / (32 * np.log(2)), rel=1e-5)
    assert {v.dtype for v in flow.trainable_variables} == {"float32"}


OPTIONS = {
    "noise": {"noise": 0.05, "num_classes": 3, "label_dropout": 0.2, "patch_couplings": 1},
    "variational": {"num_flows": 1, "context_size": 2, "dequantization": "variational"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_saved_and_configured(options, tmp_path):
    flow, x = small(**options), images(32)
    given = np.arange(32) % 3 if "num_classes" in options else np.ones([32, 2], "float32")
    flow.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    flow.fit(tf.data.Dataset.from_tensor_slices((x, given)).batch(8), verbose=0)
    flow.save(tmp_path / "flow.keras")
    loaded = load_model(tmp_path / "flow.keras")
    assert loaded.get_config() == flow.get_config() and loaded.adapted
    np.testing.assert_array_equal(loaded.log_prob(x, given, seed=3), flow.log_prob(x, given, seed=3))
    extra = {"guidance": 1.0, "denoise": True} if "noise" in options else {}
    samples = [each.sample(32, context=given, seed=1, **extra) for each in (flow, loaded)]
    np.testing.assert_array_equal(*samples)
    assert samples[0].dtype == tf.uint8 and samples[0].shape == (32, *SHAPE)


def test_noise_is_gaussian_around_the_middle_of_a_level():
    layer = small(noise=0.05).dequantization
    assert isinstance(layer, layers.GaussianAugmentation) and layer.deviation == pytest.approx(12.8)
    x = np.full([20_000, 1], 100, "uint8")
    y, log_q = layer(x, seed=1)
    assert np.mean(y) == pytest.approx(100.5, abs=0.3) and np.std(y) == pytest.approx(12.8, abs=0.2)
    assert not np.any(log_q)
    assert isinstance(small(noise=0).dequantization, layers.UniformDequantization)


def test_denoising_is_the_closed_form_of_a_gaussian():
    """With `x ~ N(m, C)` and noise of variance `s^2`, the mean of `x` given `y` is `m + C (C + s^2)^-1 (y - m)`."""
    flow = small(noise=0.03, dtype="float64")
    rng = np.random.default_rng(0)
    mean, half = rng.uniform(80, 160, 32), 6 * rng.normal(size=(32, 32))
    covariance, noise = half @ half.T, (0.03 * 256) ** 2 * np.eye(32)
    # At the start the flow is an affine map of each patch: one whose patches are independent and alike is its density.
    block, centre = covariance[:8, :8], mean[:8]
    noisy = block + noise[:8, :8]
    root = np.linalg.cholesky(noisy)
    rows = rng.normal(size=(4000, 8))
    rows = (rows - rows.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T, ddof=0))).T  # exactly white
    data = (rows @ root.T + centre).reshape(1000, 2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(1000, 4, 4, 2)
    for link in (y := data, *flow.bijector.bijectors)[1:]:
        y = link.adapt(y) if hasattr(link, "adapt") else link.inverse(tf.constant(y))
    y = data[:3]
    found = flow.dequantization.denoised(tf.constant(y), flow.log_prob).numpy()
    tokens = y.reshape(3, 2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(3, 4, 8)
    expected = centre + (tokens - centre) @ (block @ np.linalg.inv(noisy)).T
    expected = expected.reshape(3, 2, 2, 2, 2, 2).transpose(0, 1, 3, 2, 4, 5).reshape(3, 4, 4, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize("size", [1e3, 1e30])  # the second's square is no float32
def test_a_score_without_bounds_does_not_run_away(size):
    augmentation = layers.GaussianAugmentation(256, scale=0.05)
    y = tf.constant(np.random.default_rng(0).normal(size=(3, 4, 4, 2)), tf.float32)
    step = augmentation.denoised(y, lambda y: -size * tf.reduce_sum(y, axis=[1, 2, 3])) - y
    np.testing.assert_allclose(step, np.full(y.shape, -2 * augmentation.deviation), rtol=1e-5)


def test_denoised_samples_are_nearer_to_the_data():
    flow = small(noise=0.1)
    x = np.repeat(
        np.repeat(images(256, (4, 4, 1)), 2, axis=3) // 200 * 200, 1, axis=0
    )  # black or light, channels alike
    flow.compile(keras.optimizers.Adam(1e-2))
    flow.fit(x, epochs=15, batch_size=32, verbose=0)
    noisy = flow.sample(200, seed=1).numpy().astype(float)
    clean = flow.sample(200, seed=1, denoise=True).numpy().astype(float)
    apart = [np.abs(each[..., 0] - each[..., 1]).mean() for each in (noisy, clean)]
    assert apart[1] < 0.7 * apart[0]


def test_guidance_of_zero_is_none_and_more_moves_samples():
    flow = small(num_classes=3, label_dropout=0.5)
    flow.adapt(images(64), np.arange(64) % 3)
    shaken(flow, by=0.2)
    labels = np.arange(6) % 3
    plain = flow.sample(6, context=labels, seed=2)
    np.testing.assert_array_equal(flow.sample(6, context=labels, seed=2, guidance=0.0), plain)
    guided = [flow.sample(6, context=labels, seed=2, guidance=w) for w in (1.0, 3.0, 1.0)]
    np.testing.assert_array_equal(guided[0], guided[2])
    distances = [np.abs(np.asarray(each, float) - np.asarray(plain, float)).mean() for each in guided]
    assert 0 < distances[0] < distances[1]


def test_label_dropout_only_in_training():
    flow = small(num_classes=2, label_dropout=0.5, dequantization=None)
    x, labels = np.random.default_rng(0).normal(size=(400, *SHAPE)).astype("float32"), np.arange(400) % 2
    flow.adapt(x, labels)
    shaken(flow, by=0.3)
    with_label, without = (flow.log_prob(x, each).numpy() for each in (labels, -np.ones(400, int)))
    np.testing.assert_array_equal(flow((x, labels)), with_label)
    trained = flow((x, labels), training=True).numpy()
    from_label, from_none = np.isclose(trained, with_label, rtol=1e-5), np.isclose(trained, without, rtol=1e-5)
    assert (from_label | from_none).all() and 120 < from_none.sum() < 280


def test_every_pixel_depends_on_every_other():
    flow = small(dequantization=None, num_flows=3)
    flow.adapt(np.random.default_rng(0).normal(size=(64, *SHAPE)).astype("float32"))
    shaken(flow, by=0.3)
    x = tf.constant(np.random.default_rng(1).normal(size=(1, *SHAPE)), tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = flow.bijector.inverse(x)
    jacobian = np.reshape(tape.jacobian(z, x), [4, 8, 32])
    assert (np.abs(jacobian[1:3]) > 0).all()  # between the ends; the last layer leaves its first token to itself


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"image_shape": (4, 6, 1), "patch_size": 4}, r"multiples of the patch size, 4. Received: \(4, 6, 1\)"),
        ({"image_shape": (4, 4)}, "height, width, channels"),
        ({"num_flows": 0}, "`num_flows` must be an integer of at least 1"),
        ({"units": 9}, "`units` must be a multiple of `num_heads`"),
        ({"patch_couplings": -1}, "`patch_couplings` must be an integer of at least 0. Received: -1"),
        ({"noise": -0.1}, "`noise` must be a number of at least 0. Received: -0.1"),
        ({"noise": 0.1, "dequantization": None}, "`noise` stands in the place of a dequantization"),
        ({"label_dropout": 0.1}, "`label_dropout` must be a probability below 1, of a flow with `num_classes`"),
        ({"label_dropout": 1.0, "num_classes": 2}, "`label_dropout` must be a probability below 1"),
        ({"log_scale_bound": "big"}, "`log_scale_bound` must be one of"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_bad_sampling():
    flow = small(num_classes=2)
    with pytest.raises(ValueError, match="`guidance` needs a flow with `label_dropout`. Received: guidance=1.0"):
        flow.sample(2, context=np.array([0, 1]), guidance=1.0)
    with pytest.raises(ValueError, match="`denoise` needs a flow with `noise`"):
        flow.sample(2, context=np.array([0, 1]), denoise=True)
    with pytest.raises(ValueError, match="`context` must hold labels from 0 to 1. Received: None"):
        flow.sample(2)
    with pytest.raises(ValueError, match="`temperature` must be positive"):
        flow.sample(2, context=np.array([0, 1]), temperature=0.0)
