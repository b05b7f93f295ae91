"""FlowModel as a Keras model: fit, evaluate, predict, sample, on every kind of data."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.metrics import BitsPerDimension, NegativeLogLikelihood
from tfflows.models import FlowModel, RealNVP

tfb, tfd = tfp.bijectors, tfp.distributions
DATA = (np.random.default_rng(0).normal(size=(600, 3)) * [1.0, 5.0, 0.2] + [0.0, 10.0, -1.0]).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 600)
CONTEXT = np.random.default_rng(2).normal(size=(600, 2)).astype("float32")


def small(**kwargs):
    keras.utils.set_random_seed(0)
    return RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), **kwargs)


def learning_rate(rate=1e-2):
    return keras.optimizers.Adam(rate)


def test_log_prob_is_base_density_plus_log_det():
    flow = small()
    flow.adapt(DATA)
    for weight in flow.trainable_variables:
        weight.assign(keras.random.normal(weight.shape, stddev=0.3))
    z = flow.bijector.inverse(DATA)
    base = tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3)).log_prob(z)
    expected = base + flow.bijector.inverse_log_det_jacobian(tf.identity(DATA), event_ndims=1)
    np.testing.assert_allclose(flow.log_prob(DATA), expected, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(flow(DATA), flow.log_prob(DATA), rtol=1e-6)
    np.testing.assert_allclose(flow.predict(DATA, verbose=0), flow.log_prob(DATA), rtol=1e-4, atol=1e-4)


def batches(kind, conditional):
    parts = (DATA, LABELS) if conditional else (DATA,)
    if kind == "tf.data":
        return tf.data.Dataset.from_tensor_slices(parts if conditional else DATA).batch(100)
    if kind == "generator":
        return (tuple(p[i : i + 100] for p in parts) for i in range(0, 600, 100))

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return tuple(p[100 * i : 100 * i + 100] for p in parts)

    return Batches()


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("kind", ["arrays", "tf.data", "generator", "PyDataset"])
def test_fit_accepts_every_kind_of_data(kind, conditional):
    flow = small(num_classes=3 if conditional else None)
    flow.compile(learning_rate(), metrics=[BitsPerDimension(), NegativeLogLikelihood()])
    before = [w.numpy().copy() for w in flow.trainable_variables]
    if kind == "arrays":
        history = flow.fit(DATA, LABELS, batch_size=100, validation_split=0.2, epochs=2, verbose=0).history
        assert {"val_loss", "val_bits_per_dim"} <= set(history)
        assert len(history["val_loss"]) == 2
    else:
        history = flow.fit(batches(kind, conditional), verbose=0).history
    assert flow.adapted
    assert sum(np.abs(w.numpy() - b).max() > 0 for w, b in zip(flow.trainable_variables, before)) >= len(before) // 2
    np.testing.assert_allclose(history["loss"], history["negative_log_likelihood"], rtol=1e-4)
    np.testing.assert_allclose(np.array(history["loss"]) / (3 * np.log(2)), history["bits_per_dim"], rtol=1e-4)


def test_evaluate_and_predict_take_pairs():
    flow = small(num_classes=3)
    flow.compile(learning_rate())
    flow.fit(DATA, LABELS, verbose=0)
    expected = flow.log_prob(DATA, LABELS).numpy()
    for given in ((DATA, LABELS), tf.data.Dataset.from_tensor_slices((DATA, LABELS)).batch(64)):
        np.testing.assert_allclose(flow.predict(given, verbose=0), expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(flow.evaluate(DATA, LABELS, verbose=0), -expected.mean(), rtol=1e-5)
    unconditional = small()
    unconditional.compile(learning_rate())
    assert np.isfinite(unconditional.evaluate((DATA, LABELS), verbose=0))
    assert unconditional.log_prob(DATA, LABELS).shape == (600,)


def test_training_reduces_the_loss_to_the_entropy_of_a_gaussian():
    flow = small()
    flow.compile(learning_rate(3e-3))
    flow.fit(DATA, epochs=5, batch_size=100, verbose=0)
    entropy = 0.5 * 3 * np.log(2 * np.pi * np.e) + np.log([1.0, 5.0, 0.2]).sum()
    assert abs(flow.evaluate(DATA, verbose=0) - entropy) < 0.1


@pytest.mark.parametrize("jit_compile", [True, False, "auto"])
def test_jit_compile_choices_train_alike(jit_compile):
    flow = small(seed=0)
    flow.compile(learning_rate(), jit_compile=jit_compile)
    history = flow.fit(DATA, epochs=3, batch_size=200, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(history, eager_losses(), rtol=1e-4)


@functools.cache
def eager_losses():
    flow = small(seed=0)
    flow.compile(learning_rate(), run_eagerly=True)
    return flow.fit(DATA, epochs=3, batch_size=200, shuffle=False, verbose=0).history["loss"]


@pytest.mark.parametrize("steps", [1, 4, "auto"])
def test_steps_per_execution_sees_every_batch_once(steps):
    flow = small()
    flow.compile(keras.optimizers.SGD(0.0), steps_per_execution=steps)
    history = flow.fit(DATA, batch_size=100, verbose=0)
    np.testing.assert_allclose(history.history["loss"][0], -flow.log_prob(DATA).numpy().mean(), rtol=1e-5)
    assert int(flow.optimizer.iterations) == 6
    if steps == 4:
        return  # Keras runs whole executions: 7 steps an epoch do not divide
    flow.fit(tf.data.Dataset.from_tensor_slices(DATA).batch(100).repeat(), steps_per_epoch=7, verbose=0)
    assert int(flow.optimizer.iterations) == 13


def test_arrays_are_shuffled_anew_each_epoch_and_repeatably():
    seen = []

    class Seen(RealNVP):
        def train_step(self, data):
            tf.py_function(lambda x: seen.append(x.numpy()), [data[0]], [])
            return super().train_step(data)

    def epochs():
        seen.clear()
        keras.utils.set_random_seed(3)
        flow = Seen(event_shape=(3,), num_layers=2, hidden_units=(4,))
        flow.compile(learning_rate(), jit_compile=False)
        flow.fit(DATA, epochs=2, batch_size=256, verbose=0)
        return np.concatenate(seen[:3]), np.concatenate(seen[3:])

    first, second = epochs()
    assert not np.array_equal(first, second)
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch[:, 0]), np.sort(DATA[:, 0]))
    again = epochs()
    np.testing.assert_array_equal(first, again[0])
    np.testing.assert_array_equal(second, again[1])


def test_set_random_seed_makes_a_run_repeatable():
    def losses():
        flow = small()
        flow.compile(learning_rate())
        return flow.fit(DATA, epochs=2, batch_size=100, verbose=0).history["loss"]

    assert losses() == losses()


def test_no_retracing_over_a_thousand_steps():
    traces = []

    class Counted(RealNVP):
        def log_prob(self, x, context=None):
            traces.append(1)
            return super().log_prob(x, context)

    flow = Counted(event_shape=(3,), num_layers=2, hidden_units=(4,))
    flow.compile(learning_rate())
    flow.fit(DATA[:512], epochs=2, batch_size=8, verbose=0)
    assert len(traces) == 1
    flow.fit(DATA[:512], epochs=16, batch_size=8, verbose=0)
    assert len(traces) == 1
    assert int(flow.optimizer.iterations) > 1000


def test_sampling():
    flow = small(num_classes=3)
    flow.adapt(DATA, LABELS)
    assert flow.sample(5, context=1, seed=0).shape == (5, 3)
    assert flow.sample((2, 4), context=np.zeros((2, 4), "int32")).shape == (2, 4, 3)
    np.testing.assert_array_equal(flow.sample(5, context=1, seed=7), flow.sample(5, context=1, seed=7))
    assert not np.array_equal(flow.sample(5, context=1, seed=7), flow.sample(5, context=1, seed=8))
    assert not np.array_equal(flow.sample(5, context=1), flow.sample(5, context=1))
    plain = small()
    plain.adapt(DATA)
    cold, warm = (plain.sample(4000, seed=0, temperature=t).numpy().std(0) for t in (0.5, 1.0))
    np.testing.assert_allclose(cold, 0.5 * warm, rtol=1e-4)
    np.testing.assert_allclose(warm, DATA.std(0), rtol=0.1)


def test_sampling_does_not_adapt():
    flow = small()
    flow.sample(10)
    flow.log_prob(DATA)
    assert not flow.adapted


def test_adapt_acts_once_and_is_the_data_s_standardisation():
    flow = small()
    flow.adapt(DATA)
    z = flow.bijector.bijectors[0].inverse(DATA)
    np.testing.assert_allclose(z.numpy().mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(z.numpy().std(0), 1, atol=1e-4)
    weights = [w.numpy() for w in flow.variables]
    flow.adapt(DATA * 7)
    for weight, before in zip(flow.variables, weights):
        np.testing.assert_array_equal(weight, before)


def test_answers_do_not_outlive_a_weight_update():
    for flow in (small(), native()):
        y = flow.sample(4, seed=0)
        flow.log_prob(y)
        for weight in flow.trainable_variables:
            weight.assign_add(tf.fill(weight.shape, tf.cast(0.1, weight.dtype)))
        np.testing.assert_array_equal(flow.log_prob(y), flow.log_prob(y.numpy()))


def native():
    base = tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    links = tfb.Chain([tfb.Shift(tf.Variable([0.0, 1.0, 2.0])), tfb.Scale(tf.Variable([1.0, 2.0, 3.0]))])
    return FlowModel(tfd.TransformedDistribution(base, links))


@pytest.mark.slow  # conformance/test_memory.py: many calls of every bijector leave nothing
def test_flat_memory_over_many_eager_calls():
    import gc

    flow = small()
    flow.adapt(DATA)
    counts = []
    for _ in range(3):
        for _ in range(150):
            flow.log_prob(DATA[:4])
        gc.collect()
        counts.append(len(gc.get_objects()))
    assert counts[2] - counts[1] < 50


def test_summary_lists_the_layers(capsys):
    lines = []
    small().summary(print_fn=lines.append)
    assert "conditioner_0" in "\n".join(lines)
