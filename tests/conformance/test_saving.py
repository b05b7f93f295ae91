"""Trained weights survive every way of saving, and the loaded flow gives the same numbers."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, costly, one_of_each_kind
from trees import named_weights, nudge, restored


def _log_prob(case, bijector):
    y, kwargs = case.inputs((5,), interval="image"), case.kwargs(bijector, (5,))
    return case.distribution(bijector).log_prob(y, bijector_kwargs=kwargs).numpy()


@pytest.fixture
def trained(bijector):
    nudge(bijector)
    return bijector


stored_case = one_of_each_kind([case for case in CASES if case.weights])


@stored_case
def test_checkpoint(case, trained, tmp_path):
    expected = _log_prob(case, trained)
    path = tf.train.Checkpoint(flow=trained).write(str(tmp_path / "checkpoint"))
    nudge(trained, seed=9)
    assert np.abs(_log_prob(case, trained) - expected).max() > 1e-3
    status = tf.train.Checkpoint(flow=trained).read(path)
    status.assert_consumed()
    np.testing.assert_array_equal(_log_prob(case, trained), expected)
    with restored(case.twin()) as twin:
        tf.train.Checkpoint(flow=twin).read(path).assert_consumed()
        np.testing.assert_array_equal(_log_prob(case, twin), expected)


@stored_case
def test_weights_file(case, trained, tmp_path):
    model, other = case.model(trained), case.model(case.fresh())
    model.save_weights(tmp_path / "flow.weights.h5")
    other.load_weights(tmp_path / "flow.weights.h5")
    np.testing.assert_array_equal(_log_prob(case, other.bijector), _log_prob(case, trained))
    stored = named_weights(trained, trainable=False).values()
    loaded = named_weights(other.bijector, trainable=False).values()
    for mine, theirs in zip(loaded, stored, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@costly(CASES)
def test_keras_file(case, trained, tmp_path):
    model = case.model(trained)
    model.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    y, context = case.inputs((5,), interval="image"), case.context_for((5,))
    np.testing.assert_array_equal(loaded.log_prob(y, context), model.log_prob(y, context))
    np.testing.assert_array_equal(loaded.sample(5, context=context, seed=3), model.sample(5, context=context, seed=3))
    assert len(loaded.weights) == len(model.weights)


@one_of_each_kind(CASES)
def test_saved_model(case, trained, tmp_path):
    module = tf.Module()
    module.bijector = bijector = trained
    kwargs, distribution = case.kwargs(bijector, (5,)), case.distribution(bijector)
    spec = tf.TensorSpec([None, *case.event_shape])
    module.log_prob = tf.function(lambda y: distribution.log_prob(y, bijector_kwargs=kwargs), [spec], autograph=False)
    module.forward = tf.function(lambda x: bijector.forward(x, **kwargs), [spec], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    y, x = case.inputs((5,), interval="image"), case.inputs((5,))
    np.testing.assert_allclose(loaded.log_prob(y), module.log_prob(y), rtol=1e-6)
    np.testing.assert_allclose(loaded.forward(x), module.forward(x), rtol=1e-6)
    nudge(bijector)  # the loaded copy has variables of its own
    if case.weights:
        assert np.abs(loaded.log_prob(y) - module.log_prob(y)).max() > 1e-3
