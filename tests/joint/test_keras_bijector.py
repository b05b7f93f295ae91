"""The joint between Keras 3 and TFP: one test for each of its traps, each with the cure that it holds in place."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, AffineCoupling, Chain, DiagonalAffine, Logit, Permutation
from tfflows.models import FlowModel
from tfflows.networks import MLP

tfb, tfd = tfp.bijectors, tfp.distributions

DATA = (3.0 + 2.0 * np.random.default_rng(0).normal(size=(256, 4))).astype("float32")


def _coupling(flip=False, seed=1, name="coupling", **options):
    mlp = MLP(4, hidden_units=(8,), zero_init=False, seed=seed, **options)
    return AffineCoupling([0, 0, 1, 1] if flip else [1, 1, 0, 0], mlp, name=name)


def _half(seed):
    return AffineCoupling([1, 0], MLP(2, hidden_units=(8,), zero_init=False, seed=seed), name=f"half_{seed}")


def _distribution(bijector):
    return tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(4), tf.ones(4)), bijector)


TREES = {
    "one": lambda: _coupling(),
    "our_chain": lambda: Chain([ActNorm([4]), _coupling(), tfb.Shift(tf.Variable(tf.ones(4))), _coupling(True, 2)]),
    "native_chain": lambda: tfb.Chain([_coupling(name="a"), tfb.Permute([3, 1, 0, 2]), _coupling(True, 2, name="b")]),
    "native_invert": lambda: tfb.Invert(_coupling()),
    "native_blockwise": lambda: tfb.Blockwise([_half(1), _half(2)], block_sizes=[2, 2]),
    "split_joint_map": lambda: tfb.Chain([tfb.Invert(tfb.Split(2)), tfb.JointMap([_half(1), _half(2)]), tfb.Split(2)]),
    "nested": lambda: tfb.Chain(
        [
            tfb.Invert(tfb.Chain([_coupling(name="a"), tfb.Scale(tf.Variable(tf.fill([4], 0.5)))])),
            Chain([tfb.Blockwise([_half(1), tfb.Invert(_half(2))], block_sizes=[2, 2]), ActNorm([4])]),
        ]
    ),
    "one_conditioner_twice": lambda: Chain([shared := _coupling(), tfb.Permute([2, 3, 0, 1]), shared]),
}
every_tree = pytest.mark.parametrize("tree", TREES)


def _ids(variables):
    return sorted({id(v.value if isinstance(v, keras.Variable) else v) for v in variables})


# Cure: `KerasBijector` shows Keras weights to tf.Module; `adopt` shows raw tf.Variables to Keras.
@every_tree
def test_both_worlds_see_the_same_weights(tree):
    bijector = TREES[tree]()
    distribution = _distribution(bijector)
    model = FlowModel(distribution)
    expected = _ids(distribution.log_prob(DATA[:1]) is not None and bijector.variables)
    assert expected and len(model.weights) == len(expected)  # each once
    assert _ids(distribution.variables) == _ids(model.variables) == expected
    trainable = _ids(bijector.trainable_variables)
    assert _ids(distribution.trainable_variables) == _ids(model.trainable_variables) == trainable
    with tf.GradientTape() as tape:
        distribution.log_prob(tf.constant(DATA[:4]))
    assert _ids(tape.watched_variables()) == trainable


def _scramble(variables, seed):
    rng = np.random.default_rng(seed)
    for v in variables:
        v.assign(tf.constant(rng.normal(size=v.shape) * 0.1 + 0.5, v.dtype))


@every_tree
@pytest.mark.parametrize("way", ["checkpoint", "weights.h5"])
def test_both_worlds_save_the_same_weights(tree, way, tmp_path):
    bijector = TREES[tree]()
    model, path = FlowModel(_distribution(bijector)), str(tmp_path / "saved.weights.h5")
    _scramble(bijector.trainable_variables, 1)
    expected = [v.numpy() for v in bijector.variables]
    if way == "checkpoint":
        path = tf.train.Checkpoint(bijector=bijector).write(path)
    else:
        model.save_weights(path)
    _scramble(bijector.trainable_variables, 2)
    if way == "checkpoint":
        tf.train.Checkpoint(bijector=bijector).read(path).assert_consumed()
    else:
        model.load_weights(path)
    for value, saved in zip(bijector.variables, expected, strict=True):
        np.testing.assert_array_equal(value, saved)


# Cure: `FlowModel.build` is its own (Keras would trace `call` in a scratch graph), caches never key on graph tensors.
@every_tree
def test_fit_of_a_model_that_was_never_called(tree):
    bijector = TREES[tree]()
    model = FlowModel(_distribution(bijector))
    before = [v.numpy() for v in bijector.trainable_variables]
    model.compile(keras.optimizers.Adam(0.02))
    losses = model.fit(DATA, batch_size=64, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert all(np.abs(v - old).max() > 0 for v, old in zip(bijector.trainable_variables, before, strict=True))
    assert np.isfinite(model.log_prob(DATA)).all()


# Cure: `audit`, which runs a log-probability once and compares what it read with what both worlds list.
def test_a_layer_hidden_in_a_closure_is_refused_by_name():
    dense = keras.layers.Dense(4, name="hidden_in_a_closure")
    native = tfb.RealNVP(2, shift_and_log_scale_fn=lambda x, *_, **__: tf.split(dense(x), 2, axis=-1))
    with pytest.raises(ValueError, match="seen by neither.*(kernel|hidden_in_a_closure)"):
        FlowModel(_distribution(native))


def test_a_variable_hidden_in_inline_is_refused_by_name():
    shift = tf.Variable(tf.ones(4), name="hidden_shift")
    inline = tfb.Inline(
        forward_fn=lambda x: x + shift,
        inverse_fn=lambda y: y - shift,
        forward_log_det_jacobian_fn=lambda x: tf.zeros([]),
        forward_min_event_ndims=0,
    )
    for bijector in (inline, tfb.Chain([inline]), tfb.Chain([_coupling(), tfb.Invert(inline)]), Chain([inline])):
        with pytest.raises(ValueError, match="seen by neither.*hidden_shift"):
            FlowModel(_distribution(bijector))


@pytest.mark.parametrize("where", ["bijector", "inner bijector", "base"])
def test_a_keras_variable_that_tfp_has_copied_is_refused_by_name(where):
    """See findings/keras_variable_in_tfp.sh."""

    def flow(given):
        base = tfd.MultivariateNormalDiag(given if where == "base" else tf.zeros(2), tf.ones(2))
        shift = tfb.Shift(given if where != "base" else tf.zeros(2))
        return tfd.TransformedDistribution(base, tfb.Invert(tfb.Chain([shift])) if where == "inner bijector" else shift)

    variable = keras.Variable([0.1, 0.2], name="mine")
    with pytest.raises(
        ValueError, match=r"`(shift|loc)` of \w+ must be a tf.Variable.*Received: the keras.Variable mine"
    ):
        FlowModel(flow(variable))
    assert len(FlowModel(flow(variable.value)).trainable_variables) == 1


def test_a_layer_of_a_native_bijector_is_seen():
    net = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(4)])

    class Shifted(tfb.RealNVP):  # holds the layer as an attribute, where the walk finds it
        def __init__(self, net):
            super().__init__(2, shift_and_log_scale_fn=lambda x, *_, **__: tf.split(net(x), 2, axis=-1))
            self.net = net

    distribution = _distribution(Shifted(net))
    model = FlowModel(distribution)
    assert len(model.trainable_variables) == len(distribution.trainable_variables) == 4


# Cure: identity equality. TFP's `parameters=dict(locals())` alone makes couplings of different weights equal.
def test_bijectors_are_equal_only_to_themselves():
    one, other = _coupling(seed=1), _coupling(seed=2)
    mask, mlp = [1, 1, 0, 0], one.conditioner
    assert one == one and one != other and AffineCoupling(mask, mlp) != AffineCoupling(mask, mlp)
    assert len({one, other, one}) == 2
    x = tf.constant(DATA[:3])
    y = one.forward(x)
    assert np.abs(one.inverse(y) - other.inverse(y)).max() > 1e-3
    np.testing.assert_array_equal(other.inverse(y), other.inverse(tf.identity(y)))


# Cure: answers are keyed on the graph too.
@pytest.mark.parametrize(
    "make",
    [_coupling, TREES["our_chain"], lambda: tfb.Invert(_coupling()), lambda: Permutation([3, 1, 0, 2]), Logit],
    ids=["coupling", "chain", "invert", "permutation", "logit"],
)
def test_an_eager_tensor_in_a_graph_then_eagerly_then_in_another_graph(make):
    bijector, y = make(), tf.constant(DATA[:3] / 100)
    kept = []

    def answers():
        kept.append((bijector.inverse(y), bijector.inverse_log_det_jacobian(y, 1)))  # symbolic ones stay alive
        return kept[-1]

    first, second = tf.function(answers, autograph=False), tf.function(answers, autograph=False)
    expected = first()
    for got in (answers(), second(), answers()):
        np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)
        np.testing.assert_allclose(got[1], expected[1], rtol=1e-5)


# Cure: conditioners are built in the constructor, in eager mode even there.
def test_a_bijector_made_while_a_graph_is_traced():
    made = []

    @tf.function
    def log_prob(y):
        if not made:
            made.append(_coupling())
        return _distribution(made[0]).log_prob(y)

    expected = log_prob(tf.constant(DATA[:3]))
    assert all(v.numpy() is not None for v in made[0].variables)
    np.testing.assert_allclose(_distribution(made[0]).log_prob(tf.constant(DATA[:3])), expected, rtol=1e-5)


class _Lazy(keras.layers.Layer):
    """Says that it is built while a layer inside is not."""

    def __init__(self):
        super().__init__(name="lazy")
        self.inner = keras.layers.Dense(4, name="unbuilt_inner")
        self.built = True

    def call(self, x):
        return self.inner(x)


def test_an_unbuilt_layer_is_refused_by_name():
    with pytest.raises(ValueError, match="needs a built layer.*lazy.*unbuilt_inner"):
        AffineCoupling([1, 1, 0, 0], _Lazy())


@pytest.mark.parametrize("make", [lambda f: AffineCoupling([1, 0], f), lambda f: DiagonalAffine([2], conditioner=f)])
def test_what_is_no_layer_is_refused_by_name(make):
    with pytest.raises(TypeError, match="needs a Keras layer. Received: function"):
        make(lambda x: x)


def test_weights_do_not_depend_on_the_first_call():
    bijector = TREES["nested"]()
    names = [v.name for v in bijector.variables]
    _distribution(bijector).log_prob(tf.constant(DATA[:2]))
    assert [v.name for v in bijector.variables] == names


# Cure: `autocast=False`; Keras would cast the inputs of the model and the bijector's own weights to float16.
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_reaches_conditioners_only(policy):
    keras.config.set_dtype_policy(policy)
    bijector = Chain([ActNorm([4]), _coupling(), _coupling(True, 2)])
    model = FlowModel(_distribution(bijector))
    model.compile(keras.optimizers.Adam(0.02))
    losses = model.fit(DATA, batch_size=64, epochs=4, verbose=0).history["loss"]
    assert losses[-1] < losses[0]
    assert model(DATA[:2]).dtype == model.log_prob(DATA[:2]).dtype == tf.float32
    assert bijector.bijectors[1].conditioner.compute_dtype == policy.removeprefix("mixed_")
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (policy == "mixed_float16")
