"""Eight threads that share a bijector get what one gets."""

import concurrent.futures

import numpy as np
import pytest
import tensorflow as tf
from cases import CASES, one_of_each_kind

THREADS, ROUNDS = 8, 2


@one_of_each_kind(CASES)
def test_eight_threads_agree_with_one(case):
    bijector = case.shared()
    distribution = case.distribution(bijector)
    kwargs = case.kwargs(bijector, (5,))
    shared = case.inputs((5,), interval="image")
    own = [case.inputs((5,), seed=10 + i) for i in range(THREADS)]

    def answers(z):
        y = bijector.forward(z, **kwargs)
        log_det = bijector.forward_log_det_jacobian(z, case.ndims, **kwargs)
        back, log_prob = bijector.inverse(y, **kwargs), distribution.log_prob(y, bijector_kwargs=kwargs)
        return y, log_det, back, log_prob, bijector.inverse(shared, **kwargs), distribution.log_prob(
            shared, bijector_kwargs=kwargs
        )  # fmt: skip

    expected = [[answer.numpy() for answer in answers(tf.identity(z))] for z in own]

    def run(i):
        return [[answer.numpy() for answer in answers(tf.identity(own[i]))] for _ in range(ROUNDS)]

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for i, rounds in enumerate(pool.map(run, range(THREADS))):
            for got in rounds:
                for one, other in zip(got, expected[i], strict=True):
                    np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("case", [case for case in CASES if case.name in ("permutation", "affine_half")], ids=str)
def test_one_tensor_for_all_threads(case):
    bijector, y = case.shared(), case.inputs((5,))
    expected = bijector.inverse(tf.identity(y)).numpy()

    def run(_):  # each answer dies at once, while another thread may be about to take it from the cache
        return [bijector.inverse(y).numpy() for _ in range(150)]

    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        for results in pool.map(run, range(THREADS)):
            np.testing.assert_allclose(results, np.broadcast_to(expected, np.shape(results)), rtol=1e-5, atol=1e-6)
