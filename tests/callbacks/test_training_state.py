"""A run that stops and goes on ends where one that did not stop ends."""

import json

import keras
import numpy as np
import pytest

from tfflows.callbacks import EpochBatches, TrainingState


class _Stop(keras.callbacks.Callback):
    """A kill at the end of an epoch, before the state is written when it comes first."""

    def __init__(self, epoch):
        super().__init__()
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self._epoch:
            raise KeyboardInterrupt


def _data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)).astype("float32")
    return x, (x @ [1.0, -2.0, 0.5] + rng.standard_normal(50))[:, None].astype("float32")


def _run(path, *, epochs=8, stop=None, before=False, patience=2, seed=0):
    """Trains a small network that overfits; returns it, and the callbacks that know how it went."""
    keras.utils.set_random_seed(seed)
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(16, "relu"), keras.layers.Dropout(0.2)])
    model.add(keras.layers.Dense(1))
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(0.1, 30)), "mse", run_eagerly=True)
    x, y = _data()
    batches = EpochBatches(x[:30], y[:30], batch_size=16, seed=5)
    best = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
    state = TrainingState(path, best)
    done = state.restore(model)
    last = [state] if stop is None else [_Stop(stop), state] if before else [state, _Stop(stop)]
    model.fit(
        batches.dataset(),
        epochs=done if state.stopped else epochs,
        initial_epoch=done,
        validation_data=(x[30:], y[30:]),
        callbacks=[batches, best, *last],
        verbose=0,
    )
    return model, state, best


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    model, state, best = _run(tmp_path_factory.mktemp("whole") / "state.npz", patience=3)
    assert best.best_epoch < 5 and state.epoch > 6, "stopping after epoch 5 must lose the best weights, if they can be"
    return model, state, best


@pytest.mark.parametrize(("stop", "before"), [(0, False), (5, False), (5, True)])
def test_stopped_and_continued_equals_uninterrupted_bit_by_bit(tmp_path, uninterrupted, stop, before):
    whole, state, best = uninterrupted
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "cut.npz", stop=stop, before=before, patience=3)
    again, state_again, best_again = _run(tmp_path / "cut.npz", patience=3, seed=99)
    for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(whole.optimizer.variables, again.optimizer.variables, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(a), keras.ops.convert_to_numpy(b))
    assert (best.best_epoch, best.best, best.wait) == (best_again.best_epoch, best_again.best, best_again.wait)
    assert (state.epoch, state.stopped) == (state_again.epoch, state_again.stopped)


def test_a_finished_run_is_not_trained_on_and_keeps_its_best_weights(tmp_path):
    model, state, best = _run(tmp_path / "state.npz", epochs=60, patience=1)
    assert state.stopped and best.best_epoch < state.epoch - 1 < 59
    again, state_again, _ = _run(tmp_path / "state.npz", epochs=60, patience=1, seed=7)
    assert state_again.epoch == state.epoch and state_again.seconds == state.seconds
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_kill_while_writing_leaves_the_state_before(tmp_path, monkeypatch):
    path = tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        _run(path, stop=1)
    before = path.read_bytes()

    def half(file, **arrays):
        file.write(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez", half)
    with pytest.raises(KeyboardInterrupt):
        _run(path)
    assert path.read_bytes() == before


def test_seconds_add_up(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "state.npz", stop=1)
    with np.load(tmp_path / "state.npz") as archive:
        before = json.loads(str(archive["facts"]))
    _, after, _ = _run(tmp_path / "state.npz", epochs=3)
    assert before["epoch"] == 2 and after.seconds > before["seconds"] > 0


def test_states_that_are_damaged_or_of_another_model_are_refused(tmp_path):
    model = keras.Sequential([keras.Input([3]), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    with pytest.raises(KeyboardInterrupt):
        _run(tmp_path / "state.npz", stop=0)
    with pytest.raises(ValueError, match="of the same model"):
        TrainingState(tmp_path / "state.npz").restore(model)
    whole = (tmp_path / "state.npz").read_bytes()
    for content in (whole[: len(whole) // 2], b"something else"):
        (tmp_path / "state.npz").write_bytes(content)
        with pytest.raises(ValueError, match="whole training state"):
            TrainingState(tmp_path / "state.npz").restore(model)
    assert TrainingState(tmp_path / "none.npz").restore(model) == 0
