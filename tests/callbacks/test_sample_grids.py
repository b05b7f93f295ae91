"""Grids of samples during training: the same latents every time, as files and for TensorBoard."""

import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tfflows import callbacks, models


class Drawing(keras.Model):
    """Draws images whose every pixel is a hundred times the temperature plus the class; notes how it is asked."""

    def __init__(self):
        super().__init__()
        self.weight = self.add_weight(shape=(), initializer="zeros")
        self.asked = []

    def call(self, x):
        return self.weight * x

    def sample(self, n, *, context=None, seed=None, temperature=1.0):
        self.asked.append((n, seed, temperature))
        labels = np.zeros(n) if context is None else context
        return tf.ones([n, 40, 40, 1]) * (100 * temperature + labels[:, None, None, None])


def _fit(callback, *, epochs=1, model=None):
    model = Drawing() if model is None else model
    model.compile("sgd", "mse")
    model.fit(np.ones([4, 1]), np.ones([4, 1]), epochs=epochs, verbose=0, callbacks=[callback])
    return model


def test_grids_hold_the_samples_with_one_row_after_the_other(tmp_path):
    grids = callbacks.SampleGrids(
        tmp_path, context=np.array([0, 10, 20]), columns=2, temperatures=(0.5, 1), value_range=(0, 255), seed=4
    )
    model = _fit(grids)
    assert model.asked == [(3, 4, 0.5), (3, 4, 1.0)]
    names = ["epoch_0001_temperature_0.5.png", "epoch_0001_temperature_1.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    picture = np.asarray(Image.open(tmp_path / names[0]))
    assert picture.shape == (82, 82)
    assert (picture[:40, :40] == 50).all() and (picture[:40, 42:] == 60).all() and (picture[42:, :40] == 70).all()
    assert (picture[40:42] == 255).all() and (picture[42:, 42:] == 255).all()


def test_every_so_many_epochs_and_after_the_last(tmp_path):
    _fit(callbacks.SampleGrids(tmp_path, every=2, num_images=1, value_range=(0, 255)), epochs=5)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"epoch_000{k}.png" for k in (2, 4, 5)]


def test_tensorboard_gets_the_same_pictures(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.compat.proto import event_pb2

    grids = callbacks.SampleGrids(
        tmp_path / "png", num_images=2, columns=2, value_range=(0, 255), log_dir=tmp_path / "events"
    )
    _fit(grids, epochs=2)
    (path,) = (tmp_path / "events").iterdir()
    steps = []
    for record in tf.data.TFRecordDataset(str(path)):
        event = event_pb2.Event.FromString(record.numpy())
        for value in event.summary.value:
            steps.append((value.tag, event.step))
            shown = tf.io.decode_png(value.tensor.string_val[2]).numpy()[..., 0]
            np.testing.assert_array_equal(
                shown, np.asarray(Image.open(tmp_path / "png" / f"epoch_000{event.step}.png"))
            )
    assert steps == [("samples", 1), ("samples", 2)]


def test_training_goes_as_without(tmp_path):
    x = np.random.default_rng(0).integers(16, size=(32, 4, 4, 1)).astype("uint8")
    weights = []
    for extra in ([], [callbacks.SampleGrids(tmp_path, num_images=4)]):
        keras.utils.set_random_seed(0)
        flow = models.Glow(
            (4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, discrete_levels=16, num_bits=2, seed=0
        )
        flow.compile("adam")
        flow.fit(x, epochs=2, batch_size=16, verbose=0, callbacks=extra)
        weights.append(flow.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)
    picture = np.asarray(Image.open(tmp_path / "epoch_0002.png"))
    assert picture.shape[0] == 32  # of 4 x 4 pixels, enlarged
    assert set(np.unique(picture)) <= {0, 68, 136, 204, 255}  # levels 0, 4, 8, 12 of 15, and the lines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "at least 1"),
        ({"columns": (2, 3)}, "at least 1"),
        ({"temperatures": (1.0, -1.0)}, "positive"),
        ({"temperatures": ()}, "positive"),
    ],
)
def test_bad_options_are_refused(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        callbacks.SampleGrids(tmp_path, **options)


def test_tensorboard_is_needed_only_where_it_is_asked_for(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    callbacks.SampleGrids(tmp_path)
    with pytest.raises(ImportError, match="pip install tensorboard"):
        callbacks.SampleGrids(tmp_path, log_dir=tmp_path)


def test_reals_need_a_range(tmp_path):
    with pytest.raises(ValueError, match="`value_range` must be given"):
        _fit(callbacks.SampleGrids(tmp_path))
