"""Plans: what follows from a model, its data and the machine, with reasons; nothing of a call stays behind."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.fitting import calls, execution
from tfflows.fitting.plan import Asked, prediction_plan, training_plan
from tfflows.joint import kept
from tfflows.models import RealNVP

DATA = np.random.default_rng(0).normal(size=(600, 3)).astype("float32")
AUTO = Asked("auto", "auto")


def model(weights=1000, **facts):
    known = {"run_eagerly": False, "jit_compile": False, "built": True, "splittable": True, "own_step": True}
    strategy = {"distribute_strategy": tf.distribute.get_strategy()}
    return types.SimpleNamespace(**{**known, **strategy, **facts}, count_params=lambda: weights)


@pytest.fixture(autouse=True)
def two_cores(monkeypatch):
    monkeypatch.setattr(execution, "cores", lambda: 2)
    monkeypatch.setattr(execution, "on_cpu", lambda: True)


@pytest.mark.parametrize(
    ("facts", "asked", "data", "expected"),  # steps a call, split, in memory, compiler
    [
        ({}, AUTO, {"arrays": True}, (32, True, True, "graph")),
        ({}, AUTO, {}, (32, True, False, "graph")),
        ({}, AUTO, {"steps_per_epoch": 100}, (4, True, False, "graph")),
        ({}, Asked(5), {"arrays": True}, (5, True, True, "graph")),
        ({}, Asked(1), {"arrays": True}, (1, True, False, "graph")),
        ({"weights": 2_000_000}, AUTO, {"arrays": True}, (1, False, False, "graph")),
        ({"weights": 2_000_000}, Asked(4), {"arrays": True}, (4, False, True, "graph")),
        ({"built": False}, AUTO, {}, (1, False, False, "graph")),
        ({"run_eagerly": True}, AUTO, {"arrays": True}, (1, False, False, "eager")),
        ({"jit_compile": True}, AUTO, {"arrays": True}, (32, False, False, "XLA")),
        ({"distribute_strategy": None}, AUTO, {"arrays": True}, (1, False, False, "graph")),
        ({"splittable": False, "own_step": False}, AUTO, {"arrays": True}, (32, False, False, "graph")),
    ],
)
def test_training(facts, asked, data, expected):
    plan = training_plan(model(**facts), asked, **data)
    assert (plan.steps_per_call, plan.split, plan.in_memory, plan.compiler) == expected
    assert all(plan.reasons.values()) and len(str(plan).splitlines()) == 4


def test_one_core_has_nothing_to_split_over(monkeypatch):
    monkeypatch.setattr(execution, "cores", lambda: 1)
    assert not training_plan(model(), AUTO, arrays=True).split


@pytest.mark.parametrize(
    ("facts", "asked", "batches", "expected"),
    [
        ({}, AUTO, 40, (1, True, "XLA if it can")),
        ({}, AUTO, 31.9, (1, True, "graph")),
        ({}, AUTO, 1, (1, False, "graph")),
        ({}, Asked(8, False), 40, (1, True, "graph")),
        ({}, Asked(8, False), 0, (8, False, "graph")),
        ({"weights": 2_000_000}, AUTO, 40, (1, True, "graph")),
        ({"jit_compile": True}, AUTO, 40, (1, True, "XLA")),
        ({"run_eagerly": True}, AUTO, 40, (1, False, "eager")),
    ],
)
def test_prediction(facts, asked, batches, expected):
    plan = prediction_plan(model(**facts), asked, batches=batches)
    assert (plan.steps_per_call, plan.in_memory, plan.compiler) == expected and not plan.split
    assert len(str(plan).splitlines()) == 4


class Plans(keras.callbacks.Callback):
    """What the model says of its plan in the middle of calls, one of them inside of another."""

    def on_train_begin(self, logs=None):
        self.training = self.model.plan
        self.predicted = self.model.predict(DATA, verbose=0, callbacks=[self])
        assert self.model.plan is self.training

    def on_predict_begin(self, logs=None):
        self.predicting = self.model.plan


def test_a_call_has_a_plan_of_its_own_and_leaves_nothing():
    flow, plans = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(4,)), Plans()
    flow.compile("adam")
    assert flow.steps_per_execution == 32
    flow.adapt(DATA)
    expected = flow.log_prob(DATA).numpy()
    flow.fit(DATA, batch_size=100, verbose=0, callbacks=[plans])
    assert plans.training.in_memory and plans.training.steps_per_call == 32
    assert plans.predicting.in_memory and plans.predicting.steps_per_call == 1
    np.testing.assert_allclose(plans.predicted, expected, rtol=1e-5, atol=1e-5)
    assert calls.current(flow) is None and flow.steps_per_execution == 32
    with pytest.raises(ValueError, match="must be finite"):
        flow.fit(tf.data.Dataset.from_tensors(DATA * np.nan), verbose=0)
    assert calls.current(flow) is None


def test_single_batches_train_after_a_fit_and_kinds_of_fit_in_turn_are_traced_once():
    class Counted(RealNVP):
        traces = 0

        def log_prob(self, x, context=None):
            self.traces += not tf.executing_eagerly()
            return super().log_prob(x, context)

    flow = Counted(event_shape=(3,), num_layers=2, hidden_units=(4,))
    flow.compile("adam")
    stream, traces = tf.data.Dataset.from_tensor_slices(DATA).batch(100), []
    for _ in range(3):
        flow.fit(DATA, batch_size=100, verbose=0)
        flow.fit(stream, verbose=0)
        flow.fit(stream.repeat(), steps_per_epoch=3, verbose=0)
        flow.train_on_batch(DATA[:100])
        flow.evaluate(DATA, batch_size=100, verbose=0)
        flow.test_on_batch(DATA[:100])
        traces.append(flow.traces)
    assert traces[1] == traces[2]  # the first function for single batches may have been made by force
    assert int(flow.optimizer.iterations) == 3 * (6 + 6 + 3 + 1)
    flow.make_train_function(force=True)
    flow.fit(DATA, batch_size=100, verbose=0)
    assert flow.traces > traces[2]


def test_what_was_asked_is_in_the_file(tmp_path):
    for asked in ("auto", 3):
        flow = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(4,))
        flow.compile("adam", steps_per_execution=asked)
        flow.save(tmp_path / "flow.keras")
        loaded = keras.saving.load_model(tmp_path / "flow.keras")
        assert loaded.steps_per_execution == flow.steps_per_execution == (32 if asked == "auto" else 3)


class Examples(keras.metrics.Sum):
    """How many examples were seen."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(tf.ones([tf.shape(y_true)[0]]))


def test_no_more_batches_are_evaluated_than_asked_for():
    """Keras runs whole calls of 32 steps (findings/keras_steps_per_execution.sh)."""
    flow, batches = RealNVP((3,), num_layers=2, hidden_units=(4,)), tf.data.Dataset.from_tensors(DATA[:2]).repeat()
    flow.adapt(DATA)
    flow.compile("adam", metrics=[Examples(name="examples")])
    history = flow.fit(batches, steps_per_epoch=64, validation_data=batches, validation_steps=5, verbose=0).history
    assert (history["examples"], history["val_examples"]) == ([128.0], [10.0])
    assert flow.evaluate(batches, steps=7, verbose=0, return_dict=True)["examples"] == 14.0


@pytest.mark.parametrize("data", [DATA, tf.data.Dataset.from_tensor_slices(DATA).batch(100)], ids=["arrays", "stream"])
def test_compiled_anew_a_flow_trains_as_it_is_compiled_now(data):
    flow = RealNVP((3,), num_layers=2, hidden_units=(4,))
    flow.compile("adam")
    flow.fit(data, verbose=0)
    before = flow.get_weights()
    flow.compile(keras.optimizers.SGD(0.0))
    flow.fit(data, verbose=0)
    np.testing.assert_array_equal(before[-1], flow.get_weights()[-1])
    assert flow.optimizer.iterations == (19 if data is DATA else 6)
    key = ("in memory", True) if data is DATA else (32, True, "graph")
    assert kept.functions(flow, "train")(*key) != [None]
    flow.train_function = None  # as Keras forgets it
    assert kept.functions(flow, "train")(*key) == [None]
