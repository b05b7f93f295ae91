"""Rows about threads: each gets the answers to its own question, also beside a training."""

import concurrent.futures
import threading

import keras
import numpy as np
import pytest
from case_of_model import negative_log_likelihoods
from rows import row

ROUNDS = 3


def numbers(answer):
    return [np.asarray(found) for found in answer()]


def agree(found, right, name):
    for one, other in zip(found, right, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5, err_msg=name)


@row("gaussian_vae", "variational_flow")
def threads(case, _):
    """Two threads in one method at once, from its first call on, get what each gets alone."""
    model, alone = case.to_train(), case.to_train()
    asked = [case.answers(model, 9, seed) for seed in (0, 1)]
    expected = [{name: numbers(answer) for name, answer in case.answers(alone, 9, seed).items()} for seed in (0, 1)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name in asked[0]:
            start = threading.Barrier(2)

            def run(i, name=name, start=start):
                start.wait()
                return [numbers(asked[i][name]) for _ in range(ROUNDS)]

            for i, rounds in enumerate(pool.map(run, range(2))):
                for found in rounds:
                    agree(found, expected[i][name], name)
        if case.noisy:
            for seed, found in enumerate(pool.map(lambda seed: case.predicted(model, 9, seed), (0, 1))):
                likely(found, case, alone, seed)
        if case.kind == "target":
            return
        for n, losses in zip((6, 9), pool.map(lambda n: [judged(case, model, n) for _ in range(ROUNDS)], (6, 9))):
            for loss in losses:
                right = -np.mean(draws(case, alone, n, n), axis=1)
                assert right.min() - np.ptp(right) - 1e-4 < loss < right.max() + np.ptp(right) + 1e-4


def judged(case, model, n):
    return model.evaluate(*case.batch(n, seed=n), batch_size=2, verbose=0, return_dict=True)["loss"]


def draws(case, model, n, seed):
    """What `predict` may give, of one noise after the other, `[20, n]`."""
    return np.stack([-negative_log_likelihoods(model, case.batch(n, seed=seed), rewind=False) for _ in range(20)])


def likely(found, case, model, seed):
    """Asserts that the answers are to these data: about where twenty draws of the noise are."""
    right = draws(case, model, len(found), seed)
    low, high, span = right.min(axis=0), right.max(axis=0), np.ptp(right, axis=0) + 1e-4
    assert (low - span < found).all() and (found < high + span).all()


@row("real_nvp", "gaussian_vae", "variational_flow")
def threads_beside_fit(case, _):
    """A thread gets the same answers while another is in `fit`, whose losses are those of a training alone."""
    model, alone = case.to_train(eager=False), case.to_train(eager=False)
    expected = {name: numbers(answer) for name, answer in case.answers(alone, 9).items()}
    options = {"verbose": 0, "epochs": 6, "batch_size": 4}
    data = () if case.kind == "target" else case.batch(40)
    options |= {"steps_per_epoch": 10} if case.kind == "target" else {"shuffle": False}
    asked, started = threading.Event(), threading.Event()

    def hold(epoch, logs):  # until every method has been asked
        started.set()
        if epoch == 4:
            asked.wait(60)

    callback = keras.callbacks.LambdaCallback(on_epoch_begin=hold)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        training = pool.submit(model.fit, *data, callbacks=[callback], **options)
        started.wait(60)
        try:
            if case.kind != "target":
                with pytest.raises(RuntimeError, match=f"{model.name} is in `fit` in another thread.* of `evaluate`"):
                    model.evaluate(*case.batch(8), verbose=0)
            if case.noisy:
                likely(case.predicted(model, 9), case, alone, 0)
            for _ in range(2):
                for name, answer in case.answers(model, 9).items():
                    agree(numbers(answer), expected[name], name)
        finally:
            asked.set()
        losses = training.result().history["loss"]
    assert len(losses) == 6
    right = alone.fit(*data, **options).history["loss"]
    if not case.noisy:
        np.testing.assert_allclose(losses, right, rtol=1e-5)
