"""Mixed precision: conditioners in half precision, everything else as before."""

import functools
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.datasets import load_digits

from tfflows.bijectors import AffineCoupling, Repeated
from tfflows.datasets import two_moons
from tfflows.models import FlowModel, Glow, RealNVP
from tfflows.networks import MLP
from tfflows.ops import precision


def moons(dtype, **kwargs):
    return RealNVP(event_shape=(2,), num_layers=3, hidden_units=(32, 32), seed=1, dtype=dtype, **kwargs)


@pytest.fixture(scope="module")
def trained():
    keras.utils.set_random_seed(0)
    flow = moons("float32")
    flow.compile(keras.optimizers.Adam(3e-3))
    flow.fit(two_moons().sample(20_000, seed=0), batch_size=500, epochs=8, verbose=0)
    return flow


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_log_prob_within_tolerance_of_float32_on_the_same_weights(trained, policy):
    flow = moons(policy)
    flow.set_weights(trained.get_weights())
    x = two_moons().sample(5000, seed=1)
    assert flow.log_prob(x).dtype == tf.float32
    assert flow.bijector.bijectors[1].conditioner.compute_dtype == policy.removeprefix("mixed_")
    difference = np.abs(flow(x, training=True).numpy() - trained.log_prob(x).numpy()).mean() / 2
    assert 0 < difference <= 0.02  # nats per dimension; 0 would mean that nothing ran in half precision


@pytest.mark.parametrize("policy", ["mixed_float16", pytest.param("mixed_bfloat16", marks=pytest.mark.slow)])
def test_only_training_is_in_half_precision(trained, policy, tmp_path):
    flow, x = moons(policy), two_moons().sample(500, seed=1)
    flow.set_weights(trained.get_weights())
    for ask in (
        lambda model: model.log_prob(x),
        lambda model: model(x),
        lambda model: model.predict(x, verbose=0),
        lambda model: model.encode(x),
        lambda model: model.sample(100, seed=2),
        lambda model: model.sample_and_log_prob(100, seed=2)[1],
    ):
        np.testing.assert_allclose(ask(flow), ask(trained), rtol=1e-5, atol=1e-5)  # a thousandth in half precision
    assert not np.array_equal(flow.bijector.inverse(x), flow.encode(x))  # the bijector alone is as its layers are
    assert flow.bijector.bijectors[1].conditioner.compute_dtype == policy.removeprefix("mixed_")
    flow.export(tmp_path / "flow", verbose=False)
    served = tf.saved_model.load(str(tmp_path / "flow"))
    np.testing.assert_allclose(served.inverse(x), trained.encode(x), rtol=1e-5, atol=1e-5)
    seen = []
    layer = flow.bijector.bijectors[1].conditioner
    layer.call = lambda *args, _call=layer.call, **kwargs: seen.append(layer.compute_dtype) or _call(*args, **kwargs)
    flow.compile("sgd")
    flow.fit(x, epochs=1, verbose=0)
    assert set(seen) == {policy.removeprefix("mixed_")}


def test_a_loop_keeps_the_precision_of_either_way():
    """The gradient of a repeated step evaluates it again, in the precision of the way there."""
    make = lambda dtype: AffineCoupling([1, 0], MLP(2, hidden_units=(8,), seed=0, dtype=dtype))  # noqa: E731
    loops = [Repeated(make(dtype), 3, seed=1) for dtype in ("float32", "mixed_bfloat16")]
    for weights in zip(*(loop.weights for loop in loops)):
        weights[1].assign(weights[0] + 0.3)
        weights[0].assign_add(0.3 * tf.ones_like(weights[0]))
    y, gradients = tf.random.stateless_normal([16, 2], seed=[1, 2]), []
    for loop, full in ((loops[0], False), (loops[1], True), (loops[1], False)):
        with tf.GradientTape() as tape:
            with precision.full(full):
                value = tf.reduce_sum(loop.inverse_and_log_det(y)[1])
        gradients.append(tape.gradient(value, loop.trainable_variables)[0])
    np.testing.assert_array_equal(gradients[0], gradients[1])
    assert not np.array_equal(gradients[0], gradients[2])


def test_with_precision_keeps_the_weights(trained):
    half, x = trained.with_precision("mixed_bfloat16"), two_moons().sample(100, seed=1)
    assert half.bijector.bijectors[1].conditioner.compute_dtype == "bfloat16"
    assert not np.array_equal(half(x, training=True), trained.log_prob(x))
    np.testing.assert_array_equal(half.with_precision("float32").log_prob(x), trained.log_prob(x))
    with pytest.raises(ValueError, match="policies of their own"):
        FlowModel(half.distribution).with_precision("float32")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_loss_scaling_is_kept_for_float16(policy):
    previous = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        flow = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(8,))
        flow.compile("adam")
        scaled = isinstance(flow.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")
        flow.fit(two_moons().sample(512, seed=0), verbose=0)
        assert {v.dtype for v in flow.trainable_variables} == {"float32"}
        assert flow.sample(3).dtype == tf.float32
    finally:
        keras.config.set_dtype_policy(previous)


@functools.cache
def trained_nats(dtype, jit_compile):
    """Mean test nats of three trainings with the recipe of `tfflows train`: warm-up, cosine decay, clipping."""
    x, test = two_moons().sample(50_000, seed=0), two_moons().sample(20_000, seed=1)
    nats, steps = [], 30 * len(x) // 500
    for seed in range(3):  # one training differs from another seed's by 0.02 nats in float32 too
        keras.utils.set_random_seed(seed)
        flow = RealNVP(event_shape=(2,), num_layers=6, hidden_units=(32, 32), seed=seed, dtype=dtype)
        rate = keras.optimizers.schedules.CosineDecay(0.0, steps - 300, warmup_target=3e-3, warmup_steps=300)
        flow.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0), jit_compile=jit_compile)
        flow.fit(x, batch_size=500, epochs=30, verbose=0)
        nats.append(-flow.log_prob(test).numpy().mean())
    print(f"{dtype}, XLA {jit_compile}: {np.round(nats, 4)}, mean {np.mean(nats):.4f}")
    return np.mean(nats)


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_training_reaches_the_float32_result(policy, jit_compile):
    nats, expected = trained_nats(policy, jit_compile), trained_nats("float32", jit_compile)
    assert abs(nats - expected) <= 0.02
    assert max(nats, expected) < two_moons().entropy + 0.1  # not alike in having learnt nothing


def test_float64_throughout():
    flow = moons("float64")
    x = two_moons().sample(200, seed=0).astype("float64")
    flow.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    flow.fit(x, verbose=0)
    assert flow.log_prob(x).dtype == tf.float64
    z = flow.bijector.inverse(x)
    np.testing.assert_allclose(flow.bijector.forward(tf.identity(z)), x, atol=1e-12)


@pytest.mark.parametrize("shape", [(2,), (8, 8, 1)], ids=["vectors", "images"])
def test_no_default_fit_in_float16_skips_more_than_one_step(shape):
    rng, options = np.random.default_rng(0), {"seed": 0, "dtype": "mixed_float16"}
    if len(shape) == 1:
        flow, x = RealNVP(shape, num_layers=2, hidden_units=(8,), **options), two_moons().sample(256, seed=0)
    else:
        flow = Glow(shape, num_levels=1, steps_per_level=2, hidden_filters=8, discrete_levels=17, **options)
        x = rng.integers(0, 17, (256, *shape)).astype("uint8")
    flow.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
    with warnings.catch_warnings(record=True) as told:
        flow.fit(x, batch_size=16, epochs=2, verbose=0)
    assert "float16" not in str([each.message for each in told])
    scale = float(flow.optimizer.dynamic_scale)
    assert flow.optimizer.initial_scale == scale == 2048 / np.prod(shape)  # a skipped step halves it
    given = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), initial_scale=4.0)
    flow.compile(given)
    assert flow.optimizer is given and given.initial_scale == 4.0


@pytest.mark.slow
@pytest.mark.parametrize("hidden_filters", [4, 32])
def test_a_glow_of_digits_by_class_skips_at_most_one_of_64_steps(hidden_filters):
    images, labels = load_digits(return_X_y=True)
    x, y = images[:1024].reshape(-1, 8, 8, 1).astype("uint8"), labels[:1024].astype("int32")
    options = {"num_classes": 10, "num_levels": 2, "steps_per_level": 3, "discrete_levels": 17, "seed": 0}
    losses = {}
    for dtype in ("float32", "mixed_float16"):
        keras.utils.set_random_seed(0)
        glow = Glow((8, 8, 1), hidden_filters=hidden_filters, dtype=dtype, **options)
        glow.compile(keras.optimizers.Adam(1e-3), jit_compile=False)
        losses[dtype] = glow.fit(x, y, batch_size=16, shuffle=False, verbose=0).history["loss"][0]
    assert int(glow.optimizer.iterations) >= 63  # updates
    assert abs(losses["mixed_float16"] - losses["float32"]) < 0.01 * losses["float32"]


@pytest.mark.parametrize("kind", ["arrays", "stream", "stream of unknown length"])
def test_skipped_steps_are_told(kind):
    x, scale = two_moons().sample(330, seed=0), 2.0**24
    flow = moons("mixed_float16")
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-3), initial_scale=scale)
    flow.compile(optimizer, jit_compile=False)
    stream = tf.data.Dataset.from_tensor_slices(x).batch(16)
    stream = stream.filter(lambda _: True) if "unknown" in kind else stream
    data = (x, None, 16) if kind == "arrays" else (stream,)
    with pytest.warns(UserWarning, match="float16: .* were skipped") as told:
        flow.fit(*data, epochs=2, verbose=0)
    skipped = round(np.log2(scale / float(optimizer.dynamic_scale)))  # each halves it
    assert skipped > 1
    assert f"{skipped} of 42 steps were skipped" in str([each.message for each in told])
    optimizer.dynamic_scale.assign(1.0)
    with warnings.catch_warnings(record=True) as told:
        flow.fit(*data, verbose=0)
    assert "float16" not in str([each.message for each in told])
