"""Many steps as one loop: the same numbers as the chain of them, with less of everything else."""

import copy
import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, AffineCoupling, Chain, Permutation, Repeated
from tfflows.joint import KerasBijector, composition
from tfflows.joint.weights import keras_layers_of
from tfflows.models import FlowModel
from tfflows.networks import MLP
from tfflows.ops import masks

tfb, tfd = tfp.bijectors, tfp.distributions


def _vector(i, policy="float32", **options):
    """A step over 4 entries with a context-free or conditional MLP, its weights far from the identity."""
    mlp = MLP(4, hidden_units=(8,), activation="tanh", zero_init=False, seed=10 * i, dtype=policy, **options)
    coupling = AffineCoupling(masks.half(4), mlp)
    mlp.dense[-1].kernel.assign(0.5 * mlp.dense[-1].kernel)
    return Chain([_actnorm((4,), i), Permutation([2, 0, 3, 1]), coupling])


def _actnorm(shape, i):
    actnorm, rng = ActNorm(shape), np.random.default_rng(i)
    actnorm.shift.assign(0.1 * rng.normal(size=shape[-1]))
    actnorm.log_scale.assign(0.1 * rng.normal(size=shape[-1]))
    return actnorm


def _image(i, size=4, channels=4, width=8, scale=0.05):
    """Glow's step with a fixed permutation; the last convolution as after some training."""
    kinds = [
        {"filters": width, "kernel_size": 3, "activation": "relu"},
        {"filters": width, "kernel_size": 1, "activation": "relu"},
        {"filters": channels, "kernel_size": 3},
    ]
    draws = [keras.initializers.HeNormal(seed=3 * i), keras.initializers.HeNormal(seed=3 * i + 1)]
    draws.append(keras.initializers.RandomNormal(stddev=scale, seed=3 * i + 2))
    net = keras.Sequential([
        keras.layers.Conv2D(padding="same", kernel_initializer=draw, **kind) for kind, draw in zip(kinds, draws)
    ])  # fmt: skip
    net.build((None, size, size, channels // 2))
    mask = np.broadcast_to(masks.half(channels), (size, size, channels))
    order = np.random.default_rng(7).permutation(channels)
    return Chain([_actnorm((size, size, channels), i), Permutation(order), AffineCoupling(mask, net)])


def _both(make, repeats, **options):
    """The chain and the loop, with equal weights of their own."""
    steps = [make(i) for i in range(repeats)]
    return Chain(steps), Repeated(steps, **options)


def _value_and_gradients(bijector, direction, x, context=None):
    """Of a smooth function of value and log-det: the weights as one vector a step, step after step."""
    weights = bijector.trainable_variables
    sources = [x, *([context] if context is not None and context.dtype.is_floating else [])]
    with tf.GradientTape() as tape:
        tape.watch(sources)
        y, log_det = getattr(bijector, f"{direction}_and_log_det")(x, context=context)
        loss = tf.reduce_mean(y**2) + tf.reduce_mean(tf.tanh(0.1 * y)) + tf.reduce_mean(log_det) / y.shape[1]
    gradients, by_weight = (
        (g := tape.gradient(loss, [*sources, *weights]))[: len(sources)],
        g[len(sources) :],
    )
    return [y, log_det, *gradients], by_weight


def _per_step(bijector, gradients):
    """`[K, number of weights of a step]` of a chain's or a loop's gradients."""
    if isinstance(bijector, Repeated):
        order = {id(v): tf.reshape(g, [len(g), -1]) for v, g in zip(bijector.trainable_variables, gradients)}
        weights = [v.value for v in bijector.weights if v.trainable]
        return tf.concat([order[id(v)] for v in weights], axis=1)
    order = {id(v): tf.reshape(g, [-1]) for v, g in zip(bijector.trainable_variables, gradients)}
    rows = []
    for step in bijector.bijectors:
        rows.append(tf.concat([order[id(v.value)] for v in step.weights if v.trainable], axis=0))
    return tf.stack(rows)


def _relative(got, expected):
    return float(tf.norm(got - expected) / tf.norm(expected))


CASES = {
    "vector": (_vector, (4,), None),
    "image": (_image, (4, 4, 4), None),
    "vector_context": (lambda i: _vector(i, context_size=3), (4,), "vector"),
    "class_context": (lambda i: _vector(i, num_classes=3), (4,), "class"),
}
every_case = pytest.mark.parametrize("name", CASES)
directions = pytest.mark.parametrize("direction", ["forward", "inverse"])


def _inputs(name, batch=8):
    _, shape, context = CASES[name]
    rng = np.random.default_rng(0)
    contexts = {"vector": tf.constant(rng.normal(size=(batch, 3)), tf.float32), "class": tf.range(batch) % 3}
    return tf.constant(rng.normal(size=(batch, *shape)), tf.float32), contexts.get(context)


def _assert_equal_to_the_chain(make, repeats, direction, x, context=None, tolerance=1e-5, **options):
    chain, loop = _both(make, repeats, **options)
    if direction == "inverse":
        x = chain.forward_and_log_det(x, context=context)[0]
    values, gradients = _value_and_gradients(loop, direction, x, context)
    wanted, wanted_gradients = _value_and_gradients(chain, direction, x, context)
    errors = [_relative(got, expected) for got, expected in zip(values, wanted, strict=True)]
    errors.append(_relative(_per_step(loop, gradients), _per_step(chain, wanted_gradients)))
    assert max(errors) < tolerance, errors


@every_case
@directions
@pytest.mark.parametrize("every", [1, 2, 8, None])
def test_equals_the_chain(name, direction, every):
    x, context = _inputs(name)
    options = {"reversible": False} if every is None else {"checkpoint_every": every}
    _assert_equal_to_the_chain(CASES[name][0], 5, direction, x, context, **options)


@directions
def test_64_steps_equal_the_chain(direction):
    x, _ = _inputs("image")
    _assert_equal_to_the_chain(lambda i: _image(i, scale=0.01), 64, direction, x)


def test_gradients_of_gradients():
    x, _ = _inputs("vector")
    x = tf.cast(x, "float64")
    chain, loop = _both(_vector, 3, checkpoint_every=2)

    def penalty(bijector):
        with tf.GradientTape() as outer:
            with tf.GradientTape() as inner:
                inner.watch(x)
                value = tf.reduce_mean(tf.sin(bijector.inverse_and_log_det(x)[1]))
            steepness = tf.reduce_sum(inner.gradient(value, x) ** 2)
        return outer.gradient(steepness, bijector.trainable_variables)

    got, expected = _per_step(loop, penalty(loop)), _per_step(chain, penalty(chain))
    assert _relative(got, expected) < 1e-6


def test_the_graph_does_not_grow_with_the_repeats():
    def operations(repeats):
        loop, x = Repeated(_vector(0), repeats), tf.zeros([3, 4])
        step = tf.function(lambda: _value_and_gradients(loop, "inverse", x), autograph=False)
        graph = step.get_concrete_function().graph.as_graph_def()
        return len(graph.node) + sum(len(function.node_def) for function in graph.library.function)

    assert operations(64) <= operations(3) + 10


# TensorFlow never forgets a registered gradient; ours must not hold the graph that it is for.
def test_graphs_and_weights_die_with_their_owners():
    loop, x = Repeated([_vector(i) for i in range(3)]), tf.zeros([3, 4])
    _value_and_gradients(loop, "inverse", x)
    graphs = []

    def step(x):
        graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return _value_and_gradients(loop, "inverse", x)

    for _ in range(3):
        tf.function(step, autograph=False)(x)
    inner = [f.graph for each in (loop._inverse_loop,) for f in _traced(each)]
    assert inner and all(graph.tfflows_loop for graph in inner)
    graphs += [weakref.ref(graph) for graph in inner]
    del inner
    gc.collect()
    assert [graph() is None for graph in graphs] == [True] * 3 + [False] * (len(graphs) - 3)
    weight = weakref.ref(loop.weights[0])
    loop = step = None
    gc.collect()
    assert all(graph() is None for graph in graphs) and weight() is None


def _traced(loop):
    return [traced for function in loop._functions.values() for traced in function._list_all_concrete_functions()]


def test_eager_training_leaves_nothing():
    loop, x = Repeated([_vector(i) for i in range(3)]), tf.zeros([3, 4])

    def tensors():
        gc.collect()
        return sum(isinstance(each, tf.Tensor) for each in gc.get_objects())

    _value_and_gradients(loop, "inverse", x)
    before = tensors()
    for _ in range(10):
        _value_and_gradients(loop, "inverse", x)
        loop.weights[0].assign(loop.weights[0] * 0.9)
    assert tensors() <= before and len(_traced(loop._inverse_loop)) == 1


def test_new_batch_sizes_do_not_trace_for_ever():
    loop = Repeated([_vector(i) for i in range(2)])
    for batch in range(1, 12):
        assert loop.inverse(tf.zeros([batch, 4])).shape == (batch, 4)
    assert len(_traced(loop._inverse_loop)) == 2


def test_only_the_stacked_weights_are_seen(tmp_path):
    loop = Repeated([_vector(i) for i in range(3)], name="deep")
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
        loop = Repeated([_vector(i) for i in range(repeats)], checkpoint_every=2)
        return FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop), name="flow")

    short, long = model(2), model(9)
    assert abs(len(str(long.get_config())) - len(str(short.get_config()))) < 20
    x, _ = _inputs("vector")
    long.save(tmp_path / "flow.keras")
    loaded = keras.saving.load_model(tmp_path / "flow.keras")
    np.testing.assert_array_equal(loaded.log_prob(x), long.log_prob(x))
    twin = copy.deepcopy(long.bijector)
    np.testing.assert_array_equal(twin.inverse(x), long.bijector.inverse(x))
    assert loaded.bijector.num_repeats == twin.num_repeats == 9 and loaded.bijector.parameters["checkpoint_every"] == 2


def test_a_saved_model_keeps_the_gradient(tmp_path):
    loop = Repeated([_vector(i) for i in range(5)], checkpoint_every=2)
    module = tf.Module()
    module.flow = loop
    spec = tf.TensorSpec([None, 4])
    module.log_det = tf.function(lambda y: loop.inverse_and_log_det(y)[1], [spec], autograph=False)
    tf.saved_model.save(module, str(tmp_path / "saved"))
    loaded = tf.saved_model.load(str(tmp_path / "saved"))
    x, _ = _inputs("vector")
    gradients = []
    for function in (module.log_det, loaded.log_det):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(function(x))
        gradients.append(tape.gradient(value, x))
    np.testing.assert_allclose(gradients[1], gradients[0], rtol=1e-5, atol=1e-6)
    assert np.abs(gradients[0]).max() > 1e-3


DATA = (3.0 + 2.0 * np.random.default_rng(0).normal(size=(256, 4))).astype("float32")


def _fresh(i, **options):
    return Chain([ActNorm((4,)), Permutation([2, 0, 3, 1]), AffineCoupling(masks.half(4), MLP(4, seed=i, **options))])


@pytest.mark.parametrize(("jit_compile", "steps"), [(False, 4), (True, 1)])
def test_fit(jit_compile, steps):
    loop = Repeated([_fresh(10 * i) for i in range(4)], checkpoint_every=2)
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop))
    model.compile(keras.optimizers.Adam(0.01), jit_compile=jit_compile, steps_per_execution=steps)
    before = [v.numpy() for v in loop.weights]
    losses = model.fit(DATA[:, [0, 0, 1, 2]] + DATA, batch_size=60, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0] and loop.adapted
    assert all(np.abs(v - old).max() > 0 for v, old in zip(loop.weights, before, strict=True))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_fit_in_mixed_precision(policy):
    keras.config.set_dtype_policy(policy)
    loop = Repeated([_fresh(10 * i) for i in range(4)], checkpoint_every=2)
    model = FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), (4,)), loop))
    model.compile(keras.optimizers.Adam(0.01))
    losses = model.fit(DATA[:, [0, 0, 1, 2]] + DATA, batch_size=64, epochs=3, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert {v.dtype for v in loop.trainable_variables} == {tf.float32} and model(DATA[:2]).dtype == tf.float32


def test_mixed_precision_equals_the_chain_s():
    keras.config.set_dtype_policy("mixed_bfloat16")
    x, _ = _inputs("vector")
    chain, loop = _both(lambda i: _vector(i, keras.config.dtype_policy()), 5, checkpoint_every=2)
    values, gradients = _value_and_gradients(loop, "inverse", x)
    wanted, wanted_gradients = _value_and_gradients(chain, "inverse", x)
    half_evaluated = loop.step.bijectors[2].conditioner.compute_dtype
    assert half_evaluated == "bfloat16" and _relative(values[0], wanted[0]) < 0.02
    assert _relative(_per_step(loop, gradients), _per_step(chain, wanted_gradients)) < 0.05


def test_adapt_equals_the_chain_s_and_acts_once():
    chain, loop = _both(lambda i: _fresh(10 * i, zero_init=False), 4)
    assert not loop.adapted
    x, expected = loop.adapt(DATA), chain.adapt(tf.constant(DATA))
    np.testing.assert_allclose(x, expected, rtol=1e-4, atol=1e-5)
    assert loop.adapted and not composition.unadapted(loop)
    np.testing.assert_allclose(loop.inverse(tf.constant(DATA)), x, rtol=1e-4, atol=1e-5)
    before = [v.numpy() for v in loop.weights]
    np.testing.assert_array_equal(loop.adapt(DATA + 7.0), loop.inverse(tf.constant(DATA + 7.0)))
    for v, old in zip(loop.weights, before, strict=True):
        np.testing.assert_array_equal(v, old)


def test_adapt_to_bad_data_writes_nothing():
    loop = Repeated([_fresh(i) for i in range(3)])
    with pytest.raises(ValueError, match="adapts to finite data"):
        loop.adapt(np.full([4, 4], np.nan, "float32"))
    assert not loop.adapted and not any(np.any(v.numpy()) for v in loop.weights if "actnorm" in v.path)


def test_one_step_with_its_number_of_repeats():
    step = _vector(0)
    same, drawn, again = (Repeated(step, 3, seed=seed) for seed in (None, 5, 5))
    ones = {v.path.replace("/", "."): v.numpy() for v in step.weights}
    for weight, other, twin in zip(same.weights, drawn.weights, again.weights, strict=True):
        one = ones[weight.path.removeprefix("repeated/")]
        np.testing.assert_array_equal(weight, np.stack([one] * 3))
        np.testing.assert_array_equal(other, twin)
        if "kernel" not in weight.path:  # not random: biases, actnorm
            np.testing.assert_array_equal(weight, other)
        elif "dense_0" in weight.path:  # `_vector` shrinks the other
            assert np.std(other) == pytest.approx(np.std(one), rel=0.3)
            assert min(np.std(other[0] - other[1]), np.std(other[1] - other[2]), np.std(other[2] - one)) > 0.1


def test_repeated_in_repeated():
    chain = Chain([Chain([_vector(2 * i + j) for j in range(2)]) for i in range(3)])
    loop = Repeated([Repeated([_vector(2 * i + j) for j in range(2)]) for i in range(3)])
    x, _ = _inputs("vector")
    values, gradients = _value_and_gradients(loop, "inverse", x)
    wanted, expected = _value_and_gradients(chain, "inverse", x)
    for got, value in zip(values, wanted, strict=True):
        assert _relative(got, value) < 1e-5
    total = [float(tf.linalg.global_norm(each)) for each in (gradients, expected)]
    assert total[0] == pytest.approx(total[1], rel=1e-5)


def test_steps_are_evaluated_with_the_weights_of_an_outer_scope():
    loop, x = Repeated([_vector(i) for i in range(3)]), _inputs("vector")[0]
    zeros = [(v, tf.zeros(v.shape, v.dtype)) for v in loop.weights if v.trainable]
    with keras.StatelessScope(state_mapping=zeros):
        y, log_det = loop.inverse_and_log_det(x)
    assert np.abs(log_det).max() == 0 and _relative(loop.inverse(x), y) > 0.1


def _with(layer):
    net = keras.Sequential([keras.layers.Dense(8), layer, keras.layers.Dense(4)])
    return AffineCoupling(masks.half(4), net)


class _Widening(KerasBijector):
    def __init__(self):
        super().__init__(forward_min_event_ndims=1, parameters=dict(locals()))

    def forward_and_log_det(self, x, context=None):
        return tf.concat([x, x], -1), tf.zeros(tf.shape(x)[:-1])

    inverse_and_log_det = forward_and_log_det


BAD_STEPS = {
    "none": (lambda: Repeated([]), ValueError, "at least one step.*Received: 0 steps"),
    "no_bijector": (lambda: Repeated([keras.layers.Dense(2)]), TypeError, "must be a tfp.bijectors.Bijector. Received"),
    "no_number": (lambda: Repeated(_vector(0)), ValueError, "`num_repeats`, an integer of at least 1. Received: None"),
    "zero": (lambda: Repeated(_vector(0), 0), ValueError, "at least 1. Received: 0"),
    "another_number": (lambda: Repeated([_vector(0)], 2), ValueError, "Received: 1 steps and num_repeats=2"),
    "checkpoint": (lambda: Repeated(_vector(0), 2, checkpoint_every=0), ValueError, "at least 1. Received: 0"),
    "seed": (lambda: Repeated([_vector(0)], seed=1), ValueError, "for one step. Received: 1"),
    "another_order": (
        lambda: Repeated([Chain([ActNorm((2,)), Permutation(order)]) for order in ([1, 0], [0, 1])]),
        ValueError,
        r"steps 0 and 1 differ in parameters.bijectors\[1\].parameters.permutation\[0\]: 1 and 0",
    ),
    "another_width": (
        lambda: Repeated([AffineCoupling(masks.half(4), MLP(4, hidden_units=(n,))) for n in (8, 8, 9)]),
        ValueError,
        r"steps 0 and 2 differ in parameters.conditioner.layer.config.hidden_units\[0\]: 8 and 9",
    ),
    "another_class": (
        lambda: Repeated([ActNorm((2,)), Permutation([1, 0])]),
        ValueError,
        "steps 0 and 1 differ in .*ActNorm.* and .*Permutation",
    ),
    "shared": (lambda: Repeated([step := _vector(0), step]), ValueError, "weights of its own. Received: steps that sh"),
    "raw": (
        lambda: Repeated(Chain([tfb.Shift(tf.Variable([1.0], name="raw_shift"))]), 2),
        ValueError,
        r"must be Keras weights.*Received: tf.Variables \['raw_shift",
    ),
    "dropout": (lambda: Repeated(_with(keras.layers.Dropout(0.1)), 2), ValueError, "not be random.*Received: Dropout"),
    "batchnorm": (lambda: Repeated(_with(keras.layers.BatchNormalization()), 2), ValueError, "Received: BatchNorm"),
    "constraint": (
        lambda: Repeated(_with(keras.layers.Dense(8, kernel_constraint="unit_norm")), 2),
        ValueError,
        "no constraints. Received: .*kernel with None and",
    ),
    "rank": (lambda: Repeated(tfb.Reshape([2, 2], [4]), 2), ValueError, "keep the shape.*event rank 2 becomes 1|rank"),
    "shape": (lambda: Repeated(_Widening(), 2).forward(tf.zeros([3, 4])), ValueError, r"float32 \(3, 4\) becomes .*8"),
}


@pytest.mark.parametrize("name", BAD_STEPS)
def test_bad_steps_are_refused(name):
    make, error, message = BAD_STEPS[name]
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("method", ["forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian"])
def test_bad_inputs_are_refused(method):
    loop = getattr(Repeated([_vector(i) for i in range(2)]), method)
    with pytest.raises(ValueError, match=r"expects events of shape \(4,\). Received: shape \(5, 3\)"):
        loop(tf.zeros([5, 3]))
    with pytest.raises(ValueError, match="rank 1 or more. Received|rank at least 1. Saw: 0"):
        loop(tf.zeros([]))
    with pytest.raises(TypeError, match="works in float32 or float64. Received: dtype float16"):
        loop(tf.zeros([5, 4], "float16"))


def test_regularizers_count_every_step():
    net = MLP(4, hidden_units=(8,), zero_init=False)
    for dense in net.dense:
        dense.kernel_regularizer = keras.regularizers.L2(0.1)
    loop = Repeated(AffineCoupling(masks.half(4), net), 3)
    expected = 3 * sum(0.1 * float(tf.reduce_sum(dense.kernel**2)) for dense in net.dense)
    assert float(sum(loop.keras_layers[0].losses)) == pytest.approx(expected, rel=1e-5)


def test_functional_conditioners_may_have_any_names():
    def step(i):
        inputs = keras.Input((2,))
        hidden = keras.layers.Dense(8, activation="tanh")(inputs)
        return AffineCoupling(masks.half(4), keras.Model(inputs, keras.layers.Dense(4)(hidden)))

    chain, loop = Chain(steps := [step(i) for i in range(3)]), Repeated(steps)
    x, _ = _inputs("vector")
    np.testing.assert_allclose(loop.inverse(x), chain.inverse(x), rtol=1e-5, atol=1e-6)
