"""Files of a loop hold one step and the stacked weights."""

import copy

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from repeated_steps import inputs, vector

from tfflows.bijectors import Repeated
from tfflows.joint.weights import keras_layers_of
from tfflows.models import FlowModel

tfd = tfp.distributions


def test_only_the_stacked_weights_are_seen(tmp_path):
    loop = Repeated([vector(i) for i in range(3)], name="deep")
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop))
    assert [tuple(v.shape)[0] for v in model.weights] == [3] * len(loop.weights) and len(loop.weights) == 7
    assert {id(v) for v in loop.variables} == {id(v.value) for v in model.weights}
    assert loop.submodules == () and keras_layers_of(loop) == list(loop.keras_layers)
    assert "deep/actnorm.shift" in {v.path for v in loop.weights}
    path = tf.train.Checkpoint(flow=loop).write(str(tmp_path / "checkpoint"))
    saved = [name for name, _ in tf.train.list_variables(path) if "VARIABLE_VALUE" in name]
    assert len(saved) == len(loop.weights)


def test_a_keras_file_holds_one_step_and_equal_numbers(tmp_path):
    def model(repeats):
        loop = Repeated([vector(i) for i in range(repeats)], checkpoint_every=2)
        return FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop), name="flow")

    short, long = model(2), model(9)
    assert abs(len(str(long.get_config())) - len(str(short.get_config()))) < 20
    x, _ = inputs("vector")
    long.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(x), long.log_prob(x))
    twin = copy.deepcopy(long.bijector)
    np.testing.assert_array_equal(twin.inverse(x), long.bijector.inverse(x))
    assert loaded.bijector.num_repeats == twin.num_repeats == 9 and loaded.bijector.parameters["checkpoint_every"] == 2


def test_a_saved_model_keeps_the_gradient(tmp_path):
    loop = Repeated([vector(i) for i in range(5)], checkpoint_every=2)
    module = tf.Module()
    module.flow = loop
    spec = tf.TensorSpec([None, 4])
    module.log_det = tf.function(lambda y: loop.inverse_and_log_det(y)[1], [spec], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    x, _ = inputs("vector")
    gradients = []
    for function in (module.log_det, loaded.log_det):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(function(x))
        gradients.append(tape.gradient(value, x))
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5, atol=1e-6)
    assert np.abs(gradients[0]).max() > 1e-3
