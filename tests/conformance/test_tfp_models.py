"""Every bijector works where TFP's own do: joint distributions, variational inference, transformed MCMC kernels."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from cases import CASES, one_of_each_kind

tfd = tfp.distributions

# TFP's models pass no context: of a kind whose default line has one, the line without.
PLAIN = {"factor_out", "invertible_conv", "diagonal_affine", "repeated", "sylvester_householder"}
trained_case = one_of_each_kind([case for case in CASES if case.weights and case.context is None], also=PLAIN)
moved_case = one_of_each_kind([case for case in CASES if not case.uniform and case.context is None], also=PLAIN)


def _bound(case, bijector):
    """A distribution with one context of its own, for models that pass none."""
    kwargs = case.kwargs(bijector, ())
    given = {"kwargs_split_fn": lambda _: ({}, kwargs)} if kwargs else {}
    return tfd.TransformedDistribution(case.base(), bijector, **given)


@one_of_each_kind(CASES)
def test_joint_distribution_sequential(case):
    bijector = case.shared()
    joint = tfd.JointDistributionSequential(
        [
            _bound(case, bijector),
            lambda y: tfd.Independent(tfd.Normal(y, 0.5), reinterpreted_batch_ndims=case.ndims),
        ],
        batch_ndims=0,
        use_vectorized_map=False,
    )
    y, noisy = joint.sample(3, seed=(0, 1))
    assert y.shape == noisy.shape == (3, *case.event_shape)
    log_prob = joint.log_prob([tf.identity(y), noisy])
    prior = case.distribution(bijector).log_prob(tf.identity(y), bijector_kwargs=case.kwargs(bijector, ()))
    noise = tfd.Independent(tfd.Normal(y, 0.5), case.ndims).log_prob(noisy)
    np.testing.assert_allclose(log_prob, prior + noise, rtol=1e-4, atol=1e-4)
    assert {id(v) for v in bijector.variables} <= {id(v) for v in joint.variables}


@trained_case
def test_fit_surrogate_posterior(case, bijector):
    middle = tf.reduce_mean(bijector.forward(case.base().sample(100, seed=(0, 1))), 0)
    target = tfd.Independent(tfd.Normal(middle + 3.0, 1.0), case.ndims)
    surrogate, before = case.distribution(bijector), [v.numpy() for v in bijector.trainable_variables]

    def divergence():
        y, log_q = surrogate.experimental_sample_and_log_prob(500, seed=tf.constant([3, 4]))  # the same noise each time
        return float(tf.reduce_mean(log_q - target.log_prob(y)))

    start = divergence()
    losses = tfp.vi.fit_surrogate_posterior(
        target.log_prob,
        surrogate,
        optimizer=keras.optimizers.Adam(0.05),
        num_steps=9,
        sample_size=64,
        seed=tf.constant([1, 2]),
        jit_compile=False,
    )
    assert np.isfinite(losses).all()
    assert divergence() < start
    assert all(np.abs(v - old).max() > 0 for v, old in zip(bijector.trainable_variables, before, strict=True))


@moved_case
def test_transformed_transition_kernel(case):
    bijector = case.shared()
    target = case.distribution(bijector)  # pulled back, it is the base: every step is taken in easy coordinates
    kernel = tfp.mcmc.TransformedTransitionKernel(
        tfp.mcmc.HamiltonianMonteCarlo(lambda y: target.log_prob(tf.identity(y)), step_size=0.1, num_leapfrog_steps=2),
        bijector,
    )
    y = bijector.forward(0.5 * case.base().sample(4, seed=(0, 1)))
    results = kernel.bootstrap_results(y)
    for i in range(3):
        moved, results = kernel.one_step(y, results, seed=tf.constant([i, 7]))
        assert moved.shape == y.shape and np.isfinite(moved).all()
    inner = results.inner_results
    assert np.isfinite(inner.accepted_results.target_log_prob).all()
    assert float(tf.reduce_mean(tf.exp(tf.minimum(inner.log_accept_ratio, 0.0)))) > 0.5
    assert np.abs(moved - y).max() > 1e-3


@pytest.mark.parametrize("name", ["affine_half", "chain_deep"])
def test_sample_chain_in_a_graph(name):
    case = next(case for case in CASES if case.name == name)
    bijector = case.shared()
    target = case.distribution(bijector)
    inner = tfp.mcmc.HamiltonianMonteCarlo(target.log_prob, step_size=0.2, num_leapfrog_steps=2)
    kernel = tfp.mcmc.TransformedTransitionKernel(inner, bijector)

    @tf.function(autograph=False)
    def run(start):
        return tfp.mcmc.sample_chain(5, start, kernel=kernel, trace_fn=None, seed=tf.constant([1, 2]))

    states = run(bijector.forward(case.base().sample(3, seed=(0, 1))))
    assert states.shape == (5, 3, *case.event_shape) and np.isfinite(states).all()
