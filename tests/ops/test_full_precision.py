"""Full precision is handed to a network by the thread that wants it, and is nobody else's."""

import concurrent.futures

import keras
import numpy as np
import tensorflow as tf

from tfflows.bijectors import AffineCoupling
from tfflows.networks import MLP
from tfflows.ops import precision


def coupling(policy="mixed_bfloat16"):
    bijector = AffineCoupling([1, 0], MLP(2, hidden_units=(16,), seed=0, dtype=policy))
    net = bijector.conditioner
    net.set_weights([np.random.default_rng(i).normal(size=w.shape) for i, w in enumerate(net.get_weights())])
    return bijector


def test_a_scope_of_one_thread_does_not_change_the_calls_of_another():
    bijector, x = coupling(), tf.random.stateless_normal([8, 2], [1, 2])
    half = bijector.inverse_and_log_det(x)[1].numpy()
    with precision.full():
        full = bijector.inverse_and_log_det(x)[1].numpy()
    assert not np.array_equal(half, full)

    def run(wanted):
        with precision.full(wanted):
            return [bijector.inverse_and_log_det(x)[1].numpy() for _ in range(100)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for wanted, found in zip([True, False] * 2, pool.map(run, [True, False] * 2)):
            np.testing.assert_array_equal(found, np.broadcast_to(full if wanted else half, np.shape(found)))


def test_scopes_nest_and_end_with_an_error():
    net = coupling().conditioner
    with precision.full(), precision.applied_to(net):
        assert net.compute_dtype == "float32"
        with precision.full(False), precision.applied_to(net):
            assert net.compute_dtype == "bfloat16"
        assert net.compute_dtype == "float32"
    try:
        with precision.full(), precision.applied_to(net):
            raise KeyError
    except KeyError:
        assert net.compute_dtype == "bfloat16"


def test_a_network_is_written_with_the_policy_it_was_given():
    for net in (coupling().conditioner, keras.layers.Dense(2, dtype="mixed_float16")):
        before, policy = net.get_config(), net.dtype_policy
        with precision.full(), precision.applied_to(net):
            assert net.compute_dtype == "float32"
        assert net.dtype_policy == policy and net.compute_dtype != "float32"
        assert type(type(net).from_config(net.get_config()).dtype_policy) is keras.DTypePolicy
        written = keras.saving.serialize_keras_object(net.dtype_policy)
        assert written["module"] == "keras" and written["class_name"] == "DTypePolicy"
        assert net.get_config().keys() == before.keys()


def test_many_layers_that_trace_once_each_are_no_retracing(caplog):
    for _ in range(8):
        compiled = precision.Compiled(lambda x: 2.0 * x)
        compiled(tf.ones([2])), compiled(tf.ones([3]))
    assert "retracing" not in caplog.text
