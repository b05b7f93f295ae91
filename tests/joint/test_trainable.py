"""What Keras freezes, TFP does not train: the lists of both agree at every moment."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import AffineCoupling, Chain, DiagonalAffine
from tfflows.layers import PlanarPosterior
from tfflows.models import AutoregressiveFlow, FlowModel, RealNVP
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions


def _coupling(name):
    return AffineCoupling([1, 0], MLP(2, hidden_units=(4,), seed=1), name=name)


def _native():
    base = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros(2)), tf.ones(2))
    inner = tfb.Chain([_coupling("a"), tfb.Scale(tfp.util.TransformedVariable(2.0, tfb.Exp()))])
    return FlowModel(
        tfd.TransformedDistribution(base, tfb.Chain([inner, Chain([_coupling("b"), DiagonalAffine([2])])]))
    )


FLOWS = {
    "real_nvp": lambda: RealNVP((2,), num_layers=2, hidden_units=(4,)),
    "autoregressive": lambda: AutoregressiveFlow((2,), num_layers=2, hidden_units=(4,)),
    "native": _native,
}
every_flow = pytest.mark.parametrize("flow", [pytest.param(make, id=name) for name, make in FLOWS.items()])


def _agreed(flow):
    """The trainable weights, which all lists hold alike, as a tape sees them too."""
    keras_list = {id(v.value): v.path for v in flow.trainable_variables}
    assert [v.trainable for v in flow.trainable_variables] == [True] * len(keras_list)
    base = {id(v) for v in flow.distribution.distribution.variables}
    of_tfp = {id(v) for v in flow.distribution.trainable_variables}
    assert of_tfp == keras_list.keys()
    assert {id(v) for v in flow.bijector.trainable_variables} == keras_list.keys() - base
    assert {id(v) for v in flow.distribution.non_trainable_variables} | of_tfp == {id(v.value) for v in flow.variables}
    assert len(flow.distribution.variables) == len(flow.variables)  # what a checkpoint holds
    with tf.GradientTape() as tape:
        value = tf.reduce_sum(flow.log_prob(np.ones([3, 2], "float32")))
    assert {id(v) for v in tape.watched_variables()} == keras_list.keys()
    assert all(g is not None for g in tape.gradient(value, flow.distribution.trainable_variables))
    return keras_list


@every_flow
def test_frozen_and_thawed_as_a_whole_and_in_part(flow):
    flow = flow()
    everything = _agreed(flow)
    part = next(layer for layer in flow.flow_layers if layer.trainable_variables)
    flow.trainable = False
    assert not _agreed(flow)
    part.trainable = True  # of a frozen model Keras trains nothing
    assert not _agreed(flow)
    flow.trainable = True
    assert _agreed(flow) == everything
    part.trainable = False
    frozen = {id(v.value) for v in part.variables}
    assert _agreed(flow).keys() == everything.keys() - frozen != everything.keys()
    for variable in part.variables:
        variable.trainable = True
    part.trainable = True
    assert _agreed(flow) == everything


@every_flow
def test_a_loop_over_the_list_of_tfp_leaves_frozen_layers_alone(flow):
    flow = flow()
    for layer in flow.flow_layers[::2]:
        layer.trainable = False
    frozen = [v for layer in flow.flow_layers[::2] for v in layer.variables]
    before, others = [v.numpy() for v in frozen], [v.numpy() for v in flow.trainable_variables]
    x = np.random.default_rng(0).normal(size=(8, 2)).astype("float32")
    optimizer = keras.optimizers.Adam(0.1)
    variables = flow.distribution.trainable_variables
    for _ in range(2):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow.distribution.log_prob(tf.identity(x)))
        optimizer.apply(tape.gradient(loss, variables), list(variables))
    assert all((v.numpy() == old).all() for v, old in zip(frozen, before, strict=True))
    assert all((v.numpy() != old).any() for v, old in zip(flow.trainable_variables, others, strict=True))


def test_fit_trains_what_is_thawed_and_saving_keeps_the_weights(tmp_path):
    flow = FLOWS["real_nvp"]()
    x = np.random.default_rng(0).normal(size=(16, 2)).astype("float32")
    flow.adapt(x)
    flow.trainable = False
    flow.trainable = True
    flow.flow_layers[-1].trainable = False
    flow.compile(keras.optimizers.Adam(0.1))
    before = [v.numpy() for v in flow.variables]
    flow.fit(x, epochs=2, verbose=0)
    moved = [(v.numpy() != old).any() for v, old in zip(flow.variables, before, strict=True)]
    assert moved == [v.trainable for v in flow.variables]
    flow.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(x), flow.log_prob(x))
    _agreed(loaded)


def test_a_layer_frozen_before_it_is_tracked():
    network = MLP(2, hidden_units=(4,))
    network.build((None, 1))
    network.trainable = False
    bijector = AffineCoupling([1, 0], network)
    assert not bijector.trainable_variables and len(bijector.variables) == 4
    network.trainable = True
    assert len(bijector.trainable_variables) == 4


def test_a_variable_of_two_flows_is_trainable_while_one_of_them_trains_it():
    shift = tf.Variable([0.0, 0.0])
    base = tfd.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    first, second = (FlowModel(tfd.TransformedDistribution(base, tfb.Shift(shift))) for _ in range(2))
    first.trainable = False
    assert shift.trainable and not first.trainable_variables and second.trainable_variables
    second.trainable = False
    assert not shift.trainable
    first.trainable = True
    assert shift.trainable


def test_posterior_layers():
    layer = PlanarPosterior(2, num_flows=2)
    layer.build((None, 3))
    layer.trainable = False
    assert not layer.flow.trainable_variables
    layer.trainable = True
    held = {id(v) for v in layer.flow.trainable_variables}
    assert held and held <= {id(v.value) for v in layer.trainable_variables}


def test_replicas():
    devices = tf.config.list_logical_devices("CPU")
    strategy = tf.distribute.MirroredStrategy([devices[0].name])
    with strategy.scope():
        flow = FLOWS["real_nvp"]()
    flow.trainable = False
    assert not flow.distribution.trainable_variables
    flow.trainable = True
    assert len(flow.distribution.trainable_variables) == len(flow.trainable_variables) > 0
