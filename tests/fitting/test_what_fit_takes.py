"""What Keras's `fit` takes is taken, or refused by name before anything is changed; precision; callbacks per batch."""

import keras
import numpy as np
import pandas
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, callbacks, layers, metrics, models

tfd, tfb = tfp.distributions, tfp.bijectors

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2)).astype("float32")
LABELS = RNG.integers(3, size=60)


def flow(dtype="float32", eager=True, link=None, **options):
    normal = tfd.MultivariateNormalDiag(tf.zeros(2, dtype), tf.ones(2, dtype))
    model = models.FlowModel(tfd.TransformedDistribution(normal, link or bijectors.DiagonalAffine([2], dtype=dtype)))
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=eager, **options)
    return model


def conditional_flow(**options):
    model = models.RealNVP((2,), num_layers=2, hidden_units=(4,), seed=0, **options)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def loss():
    model = conditional_flow(num_classes=3)
    model.adapt(X, LABELS)
    return float(np.mean(-model.log_prob(X, LABELS).numpy()))


def untyped(*arrays):
    """A dataset that has lost its shapes."""
    parts = lambda: iter([tuple(each[i : i + 20] for each in arrays) for i in range(0, 60, 20)])  # noqa: E731
    return tf.data.Dataset.from_generator(parts, output_types=tuple(tf.as_dtype(each.dtype) for each in arrays))


FRAME = pandas.DataFrame(X, columns=["a", "b"])
SERIES = pandas.Series(LABELS)


@pytest.mark.parametrize(
    ("x", "y"),
    [
        (X.tolist(), LABELS.tolist()),
        (FRAME, SERIES),
        (FRAME.astype("Float32"), SERIES.astype("Int64")),
        (FRAME.astype("double[pyarrow]"), SERIES.astype("uint8[pyarrow]")),
        (FRAME.astype(object), SERIES.astype(object)),
        (untyped(X, LABELS), None),
        ([(X, LABELS)].__iter__(), None),
    ],
    ids=["lists", "pandas", "nullable", "arrow", "objects", "dataset without shapes", "iterator"],
)
def test_data(x, y, loss):
    model = conditional_flow(num_classes=3)
    model.adapt(X, LABELS)
    assert model.fit(x, y, verbose=0).history["loss"] == [pytest.approx(loss, rel=1e-5)]
    if y is not None:
        assert model.evaluate(x, y, verbose=0) == pytest.approx(loss, rel=1e-5)
        assert -np.mean(model.log_prob(x, y)) == pytest.approx(loss, rel=1e-5)


def test_streams_of_bare_arrays_and_without_shapes():
    right = flow().evaluate(X, verbose=0)
    for unbuilt in (False, True):
        model = models.RealNVP(num_layers=2, hidden_units=(4,)) if unbuilt else flow()
        model.compile("adam", run_eagerly=True)
        assert np.isfinite(model.fit(untyped(X), verbose=0).history["loss"]).all()
        assert model.event_shape == (2,)
    model = flow(eager=False)
    for data in (untyped(X), (X[i : i + 20] for i in range(0, 60, 20))):
        assert model.evaluate(data, verbose=0) == pytest.approx(right, rel=1e-6)
    assert model.fit((X[i : i + 20] for i in range(0, 60, 20)), verbose=0).history["loss"][0] == pytest.approx(right)
    for data in ((X[i : i + 20] for i in range(0, 60, 20)), FRAME.astype("Float32"), X.tolist()):
        np.testing.assert_allclose(model.predict(data, verbose=0), model.log_prob(X), rtol=1e-5)


def test_loaders_of_pytorch():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(LABELS))
    loader = torch.utils.data.DataLoader(data, batch_size=20)
    assert flow().fit(loader, epochs=2, verbose=0).history["loss"] == pytest.approx([flow().evaluate(X, verbose=0)] * 2)


def test_loaders_of_grain():
    grain = pytest.importorskip("grain")
    loader = grain.MapDataset.source(list(X)).batch(20)
    assert flow().fit(loader, epochs=2, verbose=0).history["loss"] == pytest.approx([flow().evaluate(X, verbose=0)] * 2)


def test_what_is_no_data_is_refused_by_name():
    tfds = tf.data.Dataset.from_tensor_slices({"image": X, "id": LABELS, "label": LABELS}).batch(20)
    model = flow()
    for call in (model.fit, model.evaluate):
        with pytest.raises(TypeError, match=r"\.map\(lambda batch: \(batch\['image'\], batch\['label'\]\)\)"):
            call(tfds, verbose=0)
        with pytest.raises(TypeError, match="a dict of 'a', 'b'; say what is what"):
            call({"a": X, "b": LABELS}, verbose=0)
    with pytest.raises(TypeError, match=r"`x` must hold numbers. Received: columns of other dtypes, \{'b': 'str'\}"):
        model.fit(FRAME.assign(b="tall"), verbose=0)
    with pytest.raises(ValueError, match=r"non-finite values \(1 NaN, 0 infinite\), the first at index \(3, 1\)"):
        gap = FRAME.astype("Float64")
        gap.iloc[3, 1] = pandas.NA
        model.fit(gap, verbose=0)
    with pytest.raises(ValueError, match="at least one batch. Received: none"):
        models.RealNVP((2,)).compile("adam")
        unadapted = models.RealNVP((2,), num_layers=2, hidden_units=(4,))
        unadapted.compile("adam")
        unadapted.fit(iter([]), verbose=0)


@pytest.mark.parametrize("model", [flow, lambda: models.RealNVP(), lambda: models.RealNVP((2,))])
def test_compile_comes_first(model):
    model = model()
    model.compiled = False
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"You must call `compile\(\)`"):
            call(np.full([9, 2], np.nan))


def test_losses_and_metrics_that_compare():
    model = flow()
    for given in ({"loss": "mse"}, {"loss": keras.losses.Huber()}, {"loss": keras.losses.mean_squared_error}):
        with pytest.raises(ValueError, match="`loss` of a density is given events as `y_true` and their log-prob"):
            model.compile("adam", **given)
    for given in ({"metrics": ["mae"]}, {"weighted_metrics": [keras.metrics.MeanSquaredError()]}):
        with pytest.raises(ValueError, match="metrics` of a density .* metrics are in tfflows.metrics. Received: "):
            model.compile("adam", **given)
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    squares = lambda events, log_prob: log_prob**2  # noqa: E731
    model.compile("adam", loss=squares, metrics=[keras.metrics.MeanMetricWrapper(squares, name="own")])
    right = np.mean(model.log_prob(X).numpy() ** 2)
    np.testing.assert_allclose(model.evaluate(X, verbose=0), [right, right], rtol=1e-5)


def test_quantization_is_refused():
    model = conditional_flow()
    before = model.get_weights()
    with pytest.raises(ValueError, match="cannot be quantized; .* Received: mode='int8'"):
        model.quantize("int8")
    assert len(before) == len(model.get_weights())


def test_stateless_calls():
    own = flow()
    values = [variable.value + 1.0 for variable in own.trainable_variables]
    found = own.stateless_call(values, [variable.value for variable in own.non_trainable_variables], X)[0]
    for variable, value in zip(own.trainable_variables, values, strict=True):
        variable.assign(value)
    np.testing.assert_array_equal(found, own(X))
    native = flow(link=tfb.Chain([tfb.Shift(tf.Variable([1.0, 0.0])), bijectors.DiagonalAffine([2])]))
    same = [
        [variable.value for variable in each] for each in (native.trainable_variables, native.non_trainable_variables)
    ]
    np.testing.assert_array_equal(native.stateless_call(*same, X)[0], native(X))
    for call in (native.stateless_call, tf.function(native.stateless_call, autograph=False)):
        with pytest.raises(ValueError, match="native part of TFP, which reads its own value: assign to it. Received"):
            call([variable.value + 1.0 for variable in native.trainable_variables], same[1], X)


class Rates(keras.callbacks.Callback):
    """A schedule by batch."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = 0.1 * (batch + 1)
        self.seen.append(batch)


def test_callbacks_of_batches_are_called_for_each(tmp_path):
    model, rates, plain = flow(eager=False), Rates(), keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: None)
    start = model.get_weights()
    model.fit(X, batch_size=20, shuffle=False, callbacks=[rates], verbose=0)
    assert rates.seen == [0, 1, 2]
    by_hand = flow()
    by_hand.set_weights(start)
    for batch in range(3):
        by_hand.optimizer.learning_rate = 0.1 * (batch + 1)
        by_hand.train_on_batch(X[20 * batch : 20 * (batch + 1)])
    for found, right in zip(model.get_weights(), by_hand.get_weights(), strict=True):
        np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-6)
    kept = keras.callbacks.ModelCheckpoint(tmp_path / "{batch}.weights.h5", save_freq=2, save_weights_only=True)
    by_epoch = keras.callbacks.ModelCheckpoint(tmp_path / "last.weights.h5", save_weights_only=True)
    model.fit(X, batch_size=10, callbacks=[kept], verbose=0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{n}.weights.h5" for n in (2, 4, 6)]
    for callback, steps in ((rates, 1), (kept, 1), (by_epoch, 32), (plain, 32), (keras.callbacks.TerminateOnNaN(), 1)):
        seen = []
        watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_, seen=seen: seen.append(model.plan))
        model.fit(X, callbacks=[callback, watch], verbose=0)
        assert seen[0].steps_per_call == steps
        assert steps == 32 or f"{type(callback).__name__} needs every batch" in str(seen[0])
    batches = []
    ends = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: batches.append(batch))
    model.fit(X, batch_size=20, callbacks=ends, verbose=0)
    assert batches == [0, 1, 2]


def test_double_precision_is_kept_in_losses_and_metrics():
    x = X.astype("float64") * 1e3 + 1 / 3
    w = np.abs(x[:, 0])
    for model in (flow("float64", metrics=[metrics.NegativeLogLikelihood(), metrics.BitsPerDimension()]),):
        nll = -model.log_prob(x).numpy()
        bits = np.mean(nll) / (2 * np.log(2))
        found = model.evaluate(x, sample_weight=w, batch_size=25, verbose=0)
        np.testing.assert_allclose(found, [np.mean(w * nll), np.mean(nll), bits], rtol=1e-13)
    posterior = layers.GaussianPosterior(2, dtype="float64", seed=0)
    dense = [keras.layers.Dense(units, dtype="float64") for units in (4, 6)]
    vae = models.VariationalAutoencoder(*dense, posterior, dtype="float64")
    bits = RNG.integers(2, size=(9, 6)).astype("float64")
    vae.build(bits.shape)
    vae.compile("adam", run_eagerly=True)
    found = vae.evaluate(bits, verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(-found["elbo"], rel=1e-13)


def test_annealing_in_double_precision():
    target = lambda x: -0.5 * tf.reduce_sum(x**2, axis=-1)  # noqa: E731
    link = bijectors.DiagonalAffine([2], dtype="float64")
    model = models.VariationalFlow(target, link, event_shape=(2,), annealing_steps=5, seed=0, dtype="float64")
    model.compile("adam", run_eagerly=True)
    history = model.fit(steps_per_epoch=3, batch_size=8, verbose=0).history
    assert np.isfinite(history["elbo"]).all() and int(model.steps) == 3


def test_grids_without_a_range_are_refused_before_training(tmp_path):
    glow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, dequantization=None)
    glow.compile("adam", run_eagerly=True)
    with pytest.raises(ValueError, match="`value_range` must be given for a model without a `dequantization`"):
        glow.fit(np.zeros([8, 4, 4, 1], "float32"), callbacks=[callbacks.SampleGrids(tmp_path)], verbose=0)
    assert int(glow.optimizer.iterations) == 0
