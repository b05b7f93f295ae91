"""Bad input: refused by name before any work, with what was expected and received."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.models import FlowModel, RealNVP, load_model

tfd, tfb = tfp.distributions, tfp.bijectors
GOOD = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def flow(**kwargs):
    model = RealNVP(event_shape=(2,), num_layers=2, hidden_units=(8,), **kwargs)
    model.compile("adam", jit_compile=False)
    return model


def broken(value):
    x = GOOD.copy()
    x[17, 1], x[40, 0] = value, np.inf
    return x


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (np.zeros((8, 3), "float32"), ValueError, r"`x` must have shape \(batch, 2\). Received: shape \(8, 3\)"),
        (np.zeros((8,), "float32"), ValueError, r"Received: shape \(8,\)"),
        (np.zeros((0, 2), "float32"), ValueError, r"at least one example. Received: shape \(0, 2\)"),
        (np.zeros((8, 2), "int64"), TypeError, "must be floating point. Received: dtype int64"),
        (broken(np.nan), ValueError, r"2 non-finite values \(1 NaN, 1 infinite\), the first at index \(17, 1\)"),
    ],
    ids=["width", "rank", "empty", "dtype", "nan"],
)
def test_training_arrays(x, error, message):
    model = flow()
    with pytest.raises(error, match=message):
        model.fit(x, verbose=0)
    assert not model.adapted and int(model.optimizer.iterations) == 0


def test_non_finite_batches_of_a_dataset_stop_training_by_name():
    model = flow()
    model.adapt(GOOD)
    dataset = tf.data.Dataset.from_tensor_slices(broken(np.nan)).batch(16)
    with pytest.raises(ValueError, match=r"`x in batch 1` must be finite. Received: 1 non-finite .* index \(1, 1\)"):
        model.fit(dataset, verbose=0)


def test_validation_data_is_checked_before_training():
    model = flow()
    with pytest.raises(ValueError, match="`validation_data` must be finite"):
        model.fit(GOOD, validation_data=(broken(np.nan),), verbose=0)
    assert int(model.optimizer.iterations) == 0
    with pytest.raises(ValueError, match="validation_split"):
        model.fit(GOOD, validation_split=1.5, verbose=0)


@pytest.mark.parametrize(
    ("kwargs", "context", "error", "message"),
    [
        ({"num_classes": 3}, None, ValueError, "is conditional: `context` must hold integer labels .* Received: None"),
        ({"num_classes": 3}, np.full(64, 3), ValueError, "from 0 to 2. Received: shape .* values 3 to 3"),
        ({"num_classes": 3}, np.zeros(64), TypeError, "integer labels .* Received: dtype float64"),
        ({"num_classes": 3}, np.zeros(63, int), ValueError, r"shape \(64,\).* Received: shape \(63,\)"),
        ({"context_size": 4}, np.zeros((64, 3)), ValueError, r"shape \(64, 4\). Received: shape \(64, 3\)"),
        ({"context_size": 4}, np.full((64, 4), np.nan), ValueError, "must be finite. Received: 256"),
    ],
)
def test_contexts(kwargs, context, error, message):
    with pytest.raises(error, match=message):
        flow(**kwargs).fit(GOOD, context, verbose=0)


def test_missing_context_in_log_prob_sample_and_datasets():
    model = flow(context_size=4)
    for call in (lambda: model.log_prob(GOOD), lambda: model.sample(3), lambda: model.predict(GOOD, verbose=0)):
        with pytest.raises(ValueError, match="conditional: `context` must hold vectors of 4. Received: None"):
            call()
    with pytest.raises(ValueError, match="last axis 4. Received"):
        model.log_prob(GOOD, np.zeros((64, 3), "float32"))
    with pytest.raises(TypeError, match="integer labels. Received: dtype float32"):
        flow(num_classes=2).log_prob(GOOD, np.zeros(64, "float32"))


def test_events_of_log_prob():
    model = flow()
    with pytest.raises(ValueError, match=r"expects events of shape \(2,\). Received: shape \(5, 3\)"):
        model.log_prob(np.zeros((5, 3), "float32"))
    with pytest.raises(ValueError, match="expects events of shape"):
        model.log_prob(np.float32(1.0))
    with pytest.raises(TypeError, match="floating-point events. Received: dtype int64"):
        model.log_prob(np.zeros((5, 2), "int64"))


def test_log_prob_before_build():
    model = RealNVP()
    for call in (lambda: model.log_prob(GOOD), lambda: model.sample(2), lambda: model.bijector):
        with pytest.raises(ValueError, match="is not built: its event shape is not known yet"):
            call()
    model.compile("adam")
    model.fit(GOOD, verbose=0)
    assert model.event_shape == (2,)


@pytest.mark.parametrize("temperature", [0, -1.0])
def test_temperature(temperature):
    with pytest.raises(ValueError, match="`temperature` must be positive. Received"):
        flow().sample(3, temperature=temperature)


def test_distributions_that_are_no_flow():
    with pytest.raises(TypeError, match="TransformedDistribution. Received: Independent"):
        FlowModel(tfd.Independent(tfd.Normal([0.0, 0.0], 1.0), 1))
    with pytest.raises(ValueError, match=r"batch shape \[\].*Received: batch shape \(2,\)"):
        FlowModel(tfd.TransformedDistribution(tfd.Normal([0.0, 0.0], 1.0), tfb.Exp()))
    with pytest.raises(ValueError, match="needs a `distribution`. Received: None"):
        FlowModel().build((None, 2))


def test_model_options():
    with pytest.raises(ValueError, match="at least 2. Received: 1"):
        RealNVP(event_shape=(2,), num_layers=1)
    with pytest.raises(
        ValueError, match=r"D of at least 2, .*Received: \(1,\), which .*kind='autoregressive'\) and Auto"
    ):
        RealNVP(event_shape=(1,))
    with pytest.raises(ValueError, match="either a vector"):
        RealNVP(event_shape=(2,), context_size=1, num_classes=2)
    with pytest.raises(ValueError, match="`log_scale_bound` must be one of"):
        RealNVP(event_shape=(2,), log_scale_bound="tahn")


def test_foreign_and_truncated_files(tmp_path):
    model = flow()
    whole = tmp_path / "flow.keras"
    model.save(whole)
    truncated = tmp_path / "truncated.keras"
    truncated.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(ValueError, match="truncated or no .keras file"):
        load_model(truncated)
    with zipfile.ZipFile(tmp_path / "zip.keras", "w") as archive:
        archive.writestr("readme.txt", "no model")
    with pytest.raises(ValueError, match="no .keras file"):
        load_model(tmp_path / "zip.keras")
    other = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    other.save(tmp_path / "other.keras")
    with pytest.raises(ValueError, match="holds a Sequential"):
        load_model(tmp_path / "other.keras")
    with pytest.raises(FileNotFoundError, match="which is no file"):
        load_model(tmp_path / "missing.keras")
    assert load_model(whole).event_shape == (2,)


class _Late(keras.utils.PyDataset):
    """Column 1 is constant in the first batch."""

    def __len__(self):
        return 20

    def __getitem__(self, i):
        x = np.random.default_rng(i).normal(size=(32, 2)) * [5, 1] + [10, 0]
        return (x if i else x * [1, 0]).astype("float32")


@pytest.mark.parametrize("kind", ["generator", "PyDataset", "tf.data"])
def test_several_batches_of_a_stream_are_adapted_to(kind):
    late, model = _Late(), flow()
    batches = [late[i] for i in range(len(late))]
    dataset = tf.data.Dataset.from_generator(lambda: batches, output_signature=tf.TensorSpec([None, 2]))
    stream = {"generator": ((x,) for x in batches), "PyDataset": late, "tf.data": dataset}[kind]
    model.fit(stream, steps_per_epoch=20 if kind == "generator" else None, verbose=0)
    assert int(model.optimizer.iterations) == 20
    standardize = model.bijector.bijectors[0]
    np.testing.assert_allclose(np.exp(standardize.log_scale), np.concatenate(batches).std(axis=0), rtol=1e-5)
