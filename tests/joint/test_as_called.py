"""Methods that compile themselves: the same answers, one function for each kind of call, and when there is none."""

import threading

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import layers, models
from tfflows.joint import kept

tfd, tfb = tfp.distributions, tfp.bijectors

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 3)).astype("float32")
CONTEXT = RNG.normal(size=(7, 2)).astype("float32")
SMALL = {"num_layers": 2, "hidden_units": (4,)}


def moved(flow, shape=(3,)):
    """The flow, built, with weights away from where they start."""
    flow.build((None, *shape))
    for i, v in enumerate(flow.trainable_variables):
        v.assign(v + 0.1 * tf.random.stateless_normal(v.shape, [3, i], dtype=v.dtype))
    return flow


def as_it_is(function, *args, **kwargs):
    """What a method gives where nothing is compiled."""
    tf.config.run_functions_eagerly(True)
    try:
        return function(*args, **kwargs)
    finally:
        tf.config.run_functions_eagerly(False)


def compiled(model, name):
    """The compiled functions that a model has of a method."""
    cache = kept.functions(model, name)
    return cache.cache_info().currsize


def alike(a, b, **kwargs):
    for one, other in zip(tf.nest.flatten(a), tf.nest.flatten(b), strict=True):
        np.testing.assert_allclose(one, other, **({"rtol": 1e-5, "atol": 1e-5} | kwargs))


FLOWS = {
    "real-nvp": lambda: models.RealNVP((3,), **SMALL),
    "spline": lambda: models.NeuralSplineFlow((3,), **SMALL),
    "maf": lambda: models.AutoregressiveFlow((3,), **SMALL),
    "iaf": lambda: models.AutoregressiveFlow((3,), parallel="forward", **SMALL),
    "native": lambda: models.FlowModel(
        tfd.TransformedDistribution(
            tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3)), tfb.Shift(tf.Variable([1.0, 2.0, 3.0]))
        )
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_answers_are_those_of_the_method(name):
    flow = moved(FLOWS[name]())
    calls = {
        "log_prob": (X,),
        "encode": (X,),
        "decode": (X,),
        "sample": (5,),
        "sample_and_log_prob": (5,),
    }
    for method, args in calls.items():
        kwargs = {"seed": 1} if "sample" in method else {}
        found = getattr(flow, method)(*args, **kwargs)
        assert compiled(flow, method) == 1
        alike(found, as_it_is(getattr(flow, method), *args, **kwargs))
    alike(flow.sample(5, seed=1, temperature=0.5), as_it_is(flow.sample, 5, seed=1, temperature=0.5))
    shape = flow.sample([2, 3], seed=1).shape  # as it is
    assert shape == (2, 3, 3) and compiled(flow, "sample") == 2


def test_one_function_for_all_sizes_and_one_for_each_kind():
    traces = []

    class Traced(models.RealNVP):
        def _events(self, *args):
            traces.append(args)
            return super()._events(*args)

    flow = moved(Traced((3,), context_size=2, **SMALL))
    for size in (1, 3, 7):
        flow.log_prob(X[:size], CONTEXT[:size])
    assert len(traces) == 2  # of one, of more
    one, grid = CONTEXT[:1], (X[:, None], CONTEXT[None])
    for x, context in [(X, one), (X, CONTEXT[0]), grid]:
        alike(flow.log_prob(x, context), as_it_is(flow.log_prob, x, context))
    assert flow.log_prob(*grid).shape == (7, 7)
    alike(flow.sample(4, context=one, seed=2), as_it_is(flow.sample, 4, context=one, seed=2))
    alike(flow.sample(7, context=CONTEXT, seed=2), as_it_is(flow.sample, 7, context=CONTEXT, seed=2))
    for ndim in range(1, 15):
        flow.log_prob(X.reshape(*[1] * ndim, 7, 3), CONTEXT)
    assert compiled(flow, "log_prob") == 8


def test_weights_are_read_at_each_call():
    flow = moved(models.RealNVP((3,), **SMALL))
    before, drawn = flow.log_prob(X), flow.sample(5, seed=0)
    flow.set_weights([w + 0.1 if w.dtype == np.float32 else w for w in flow.get_weights()])
    after = flow.log_prob(X)
    assert np.abs(after - before).max() > 0.01 and np.abs(flow.sample(5, seed=0) - drawn).max() > 0.01
    alike(after, as_it_is(flow.log_prob, X))


def test_draws():
    flow = models.RealNVP((3,), **SMALL)
    assert np.any(flow.sample(5) != flow.sample(5))
    np.testing.assert_array_equal(flow.sample(5, seed=3), flow.sample(5, seed=3))
    np.testing.assert_array_equal(flow.sample(5, seed=3), flow.sample(5, seed=tf.constant([0, 3])))
    keras.utils.set_random_seed(1)
    first = flow.sample(5)
    keras.utils.set_random_seed(1)
    np.testing.assert_array_equal(first, flow.sample(5))
    assert flow.sample(0).shape == (0, 3)


def test_levels():
    flow = moved(models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4), (4, 4, 1))
    x = RNG.integers(0, 256, size=(6, 4, 4, 1))
    np.testing.assert_allclose(flow.log_prob(x, seed=1), as_it_is(flow.log_prob, x, seed=1), rtol=1e-5)
    assert np.any(flow.log_prob(x) != flow.log_prob(x))  # new noise
    with pytest.raises(ValueError, match="0 to 255"):
        flow.log_prob(x + 256)
    assert flow.log_prob(x[:0], seed=1).shape == (0,)
    np.testing.assert_array_equal(flow.sample(3, seed=0), as_it_is(flow.sample, 3, seed=0))


def test_it_runs_as_it_is_where_it_has_to():
    flow = moved(models.RealNVP((3,), **SMALL))
    expected = as_it_is(flow.log_prob, X)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(flow.log_prob(X))
    assert all(g is not None for g in tape.gradient(loss, flow.trainable_variables))
    with tf.autodiff.ForwardAccumulator(tf.constant(X), tf.ones_like(X)) as accumulator:
        assert accumulator.jvp(flow.log_prob(tf.constant(X))) is None  # another tensor
    with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
        alike(flow.log_prob(X), expected)
    alike(tf.function(flow.log_prob)(tf.constant(X)), expected)
    flow.compile("adam", run_eagerly=True)
    alike(flow.log_prob(X), expected)
    assert compiled(flow, "log_prob") == 0


def test_values_of_a_stateless_scope():
    flow = moved(models.RealNVP((3,), **SMALL))
    flow.log_prob(X)
    values = [v.value + 0.1 if v.dtype == "float32" else v.value for v in flow.variables]
    trainable = [v for v, each in zip(values, flow.variables, strict=True) if each.trainable]
    others = [v for v, each in zip(values, flow.variables, strict=True) if not each.trainable]
    found, _ = flow.stateless_call(trainable, others, X)
    for variable, value in zip(flow.variables, values, strict=True):
        variable.assign(value)
    alike(found, flow.log_prob(X))


class InNumpy(tfb.Bijector):
    """`2 x`, by numpy: it has no graph."""

    def __init__(self, **kwargs):
        super().__init__(forward_min_event_ndims=0, is_constant_jacobian=True, **kwargs)

    def _forward(self, x):
        return tf.constant(2 * x.numpy())

    def _inverse(self, y):
        return tf.constant(y.numpy() / 2)

    def _forward_log_det_jacobian(self, x):
        return tf.constant(np.log(2), x.dtype)


def test_a_part_without_a_graph():
    flow = models.FlowModel(tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3)), InNumpy()))
    expected = tfd.MultivariateNormalDiag(tf.zeros(3), 2 * tf.ones(3)).log_prob(X)
    for _ in range(2):
        alike(flow.log_prob(X), expected)
    assert flow.sample(4, seed=0).shape == (4, 3)


def test_a_flow_in_float64_after_one_in_float32():
    flow = models.RealNVP((3,), **SMALL)
    flow.compile("adam")
    assert flow.log_prob(X).dtype == tf.float32
    flow.fit(X.astype("float64") + 1e9, verbose=0)
    x = X.astype("float64") + 1e9
    assert flow.log_prob(x).dtype == tf.float64
    alike(flow.log_prob(x), as_it_is(flow.log_prob, x))


def test_threads():
    flow = moved(models.RealNVP((3,), **SMALL))
    flow.compile("adam")
    parts, wrong = [RNG.normal(size=(5 + i, 3)).astype("float32") for i in range(4)], []
    expected = [as_it_is(flow.log_prob, part) for part in parts]

    def ask(i):
        for _ in range(20):
            if not np.allclose(flow.log_prob(parts[i]), expected[i], atol=1e-4):
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert not wrong


def test_errors_are_those_of_the_method():
    flow = models.RealNVP((3,), num_classes=4, **SMALL)
    for bad, match in [((X,), "labels from 0 to 3"), ((X, np.full(7, 5)), "5 at index"), ((X, [0, 1]), "batch shape")]:
        with pytest.raises(ValueError, match=match):
            flow.log_prob(*bad)
    with pytest.raises(ValueError, match="batch shape"):
        flow.sample(5, context=[0, 1])
    with pytest.raises(ValueError, match="positive"):
        flow.sample(5, context=[0], temperature=0)
    for count in (-1, 2.5, [2, -1], tf.constant(-3)):
        with pytest.raises(ValueError, match="at least 0, or a shape. Received:"):
            flow.sample(count, context=0)
    with pytest.raises(ValueError, match="`temperature` must be positive. Received: hot"):
        flow.sample(5, context=0, temperature="hot")
    with pytest.raises(ValueError, match="latents"):
        flow.decode(X[:, :2], [0])


def test_autoencoders_and_posteriors():
    encoder = keras.Sequential([keras.layers.Dense(4)])
    decoder = keras.Sequential([keras.layers.Dense(3)])
    posterior = layers.PlanarPosterior(2, num_flows=1, seed=0)
    model = models.VariationalAutoencoder(encoder, decoder, posterior)
    x = (X > 0).astype("float32")
    model.build(x.shape)
    for method, args in {"encode": (x,), "reconstruct": (x,), "decode": (X[:, :2],), "sample": (4,)}.items():
        kwargs = {} if method == "decode" else {"seed": 1}
        found = getattr(model, method)(*args, **kwargs)
        alike(found, as_it_is(getattr(model, method), *args, **kwargs))
        assert compiled(model, method) == 1
    found = model.log_weights(x, num_samples=3, seed=1)
    alike(found, as_it_is(model.log_weights, x, num_samples=3, seed=1))
    features = encoder(x)
    for method in ("draw", "draw_with_divergence"):
        found = getattr(posterior, method)(features, seed=2)
        alike(found, as_it_is(getattr(posterior, method), features, seed=2))
        assert compiled(posterior, method) == 1
    assert np.any(model.encode(x) != model.encode(x))  # a new draw each
    with pytest.raises(ValueError, match="Received: 1 others"):
        model.encode(x + (np.arange(7) == 3)[:, None] * np.array([5, 0, 0], "float32"))


def test_predict_of_a_batch_is_the_call():
    flow = moved(models.RealNVP((3,), **SMALL))
    flow.compile("adam")
    np.testing.assert_array_equal(flow.predict(X, verbose=0), flow.log_prob(X))
    assert compiled(flow, "log_prob") == 1
    alike(flow.predict(X, batch_size=3, verbose=0), flow.log_prob(X))
    seen = []
    flow.predict(X, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_predict_begin=seen.append)])
    assert len(seen) == 1
