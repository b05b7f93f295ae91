"""Training on slices of arrays in memory, and steps in two halves: the same training as Keras's own loop."""

import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.fitting import execution
from tfflows.models import RealNVP

DATA = np.random.default_rng(0).normal(size=(600, 3)).astype("float32")
LABELS = np.random.default_rng(1).integers(0, 3, 600)


def flow_of(**kwargs):
    keras.utils.set_random_seed(0)
    return RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0, **kwargs)


class Recorded(keras.losses.Loss):
    """The likelihood, keeping the events of every step."""

    def __init__(self):
        super().__init__()
        self.batches = []

    def call(self, y_true, y_pred):
        tf.py_function(lambda x: self.batches.append(x.numpy()), [y_true], [])
        return -y_pred


class Functions(keras.callbacks.Callback):
    """Which train functions a `fit` runs, and references that do not keep them alive."""

    def __init__(self):
        super().__init__()
        self.kinds, self.seen = set(), []

    def on_train_begin(self, logs=None):
        self.kinds.add(type(self.model.train_function).__name__)
        self.seen.append(weakref.ref(self.model.train_function))


def fitted(epochs, **kwargs):
    loss = Recorded()
    flow = flow_of()
    flow.compile(keras.optimizers.Adam(1e-2), loss=loss, jit_compile=False)
    functions = Functions()
    flow.fit(DATA, batch_size=256, epochs=epochs, verbose=0, callbacks=[functions], **kwargs)
    assert [type(each()) for each in functions.seen] == [type(None)] and functions.kinds == {"ResidentTraining"}
    return [np.concatenate(loss.batches[3 * e : 3 * e + 3]) for e in range(epochs)], loss.batches


def test_every_epoch_sees_each_example_once_in_a_new_order_that_a_seed_repeats():
    (first, second), batches = fitted(2)
    assert [len(b) for b in batches] == [256, 256, 88] * 2
    assert not np.array_equal(first, second)
    for epoch in (first, second):
        np.testing.assert_array_equal(np.sort(epoch[:, 0]), np.sort(DATA[:, 0]))
    np.testing.assert_array_equal(fitted(2)[0], [first, second])
    np.testing.assert_array_equal(fitted(1, shuffle=False)[0][0], DATA)


@pytest.mark.parametrize("conditional", [False, True])
def test_trains_as_eager_keras_does(conditional):
    losses = {}
    for eager in (False, True):
        flow = flow_of(num_classes=3 if conditional else None)
        flow.compile(keras.optimizers.Adam(1e-2), run_eagerly=eager, jit_compile=False)
        labels = LABELS if conditional else None
        # 300: large enough for halves
        losses[eager] = flow.fit(DATA, labels, batch_size=300, epochs=3, shuffle=False, verbose=0).history["loss"]
    np.testing.assert_allclose(losses[False], losses[True], rtol=1e-5)


def test_callbacks_may_stop_in_the_middle_of_an_epoch_and_the_next_fit_starts_a_new_one():
    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = True

    flow = flow_of()
    flow.compile(keras.optimizers.Adam(1e-2), steps_per_execution=2)
    flow.fit(DATA, batch_size=100, verbose=0, callbacks=[Stop()])
    assert int(flow.optimizer.iterations) == 2
    flow.fit(DATA, batch_size=100, verbose=0)
    assert int(flow.optimizer.iterations) == 8


def test_other_numbers_of_examples_need_no_new_trace_and_no_data_is_kept():
    class Counted(RealNVP):
        traces = 0

        def log_prob(self, x, context=None):
            self.traces += 1
            return super().log_prob(x, context)

    flow = Counted(event_shape=(3,), num_layers=2, hidden_units=(4,))
    flow.compile("adam")
    flow.fit(DATA[:200], batch_size=100, verbose=0)
    flow.fit(DATA[:300], batch_size=100, verbose=0)
    traces = flow.traces
    functions = Functions()
    for count in (400, 500, 600):
        flow.fit(DATA[:count], batch_size=100, verbose=0, callbacks=[functions])
    assert flow.traces == traces
    assert [reference() for reference in functions.seen] == [None] * 3  # nor the arrays that they held


@pytest.mark.parametrize("size", [256, 301])
def test_halves_give_the_values_and_gradients_of_the_whole(size):
    flow = flow_of(context_size=2)
    for weight in flow.trainable_variables:
        weight.assign(keras.random.normal(weight.shape, stddev=0.3, seed=1))
    x, context = DATA[:size], np.random.default_rng(2).normal(size=(size, 2)).astype("float32")
    calls = []

    def log_prob(*args):
        calls.append(args[0].shape[0])
        return flow.log_prob(*args)

    @tf.function(autograph=False)
    def halves(x, context):
        with tf.GradientTape() as tape:
            value = execution.split_over_cores(log_prob, x, context)
        return value, tape.gradient(value, [w.value for w in flow.trainable_variables])

    with tf.GradientTape() as tape:
        expected = flow.log_prob(x, context)
    gradients = tape.gradient(expected, [w.value for w in flow.trainable_variables])
    value, found = halves(x, context)
    assert calls == [size // 2, size - size // 2]
    np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(found, gradients, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("shape", [[None, 3], [255, 3]])
def test_batches_of_small_or_unknown_size_stay_whole(shape):
    calls = []
    split = tf.function(lambda x: execution.split_over_cores(lambda x, context: calls.append(x) or x[:, 0], x))
    split.get_concrete_function(tf.TensorSpec(shape))
    assert len(calls) == 1


def test_float64_data_that_overflows_float32_is_refused():
    data = np.ones([4, 3])
    data[2, 1] = 1e300
    flow = flow_of()
    flow.compile("adam")
    with pytest.raises(ValueError, match=r"`x in float32` must be finite. Received: 1 .* first at index \(2, 1\)"):
        flow.fit(data, verbose=0)
