"""Solvers of differential equations: coefficients, orders, closed forms, a peer, compiled, and what fails."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from scipy.integrate import solve_ivp

from tfflows import solvers

FIXED = {"euler": solvers.Euler, "midpoint": solvers.Midpoint, "rk4": solvers.RungeKutta4}
ADAPTIVE = {"dormand-prince": solvers.DormandPrince, "tsitouras": solvers.Tsitouras}
every_adaptive = pytest.mark.parametrize("kind", ADAPTIVE.values(), ids=ADAPTIVE)
every_fixed = pytest.mark.parametrize("kind", FIXED.values(), ids=FIXED)
compilers = pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])


def trees(order):
    """Rooted trees of so many vertices, as sorted tuples of subtrees."""
    if order == 1:
        return {()}
    found = set()
    for sizes in partitions(order - 1):
        for parts in itertools.product(*(trees(size) for size in sizes)):
            found.add(tuple(sorted(parts)))
    return found


def partitions(n, most=None):
    for first in range(min(n, most or n), 0, -1):
        for rest in partitions(n - first, first) if n > first else [()]:
            yield (first, *rest)


def size(tree):
    return 1 + sum(map(size, tree))


def density(tree):
    return size(tree) * np.prod([density(each) for each in tree], initial=1.0)


def weight(tree, a):
    """Of each stage: the product over the subtrees of `a` applied to theirs."""
    return np.prod([a @ weight(each, a) for each in tree], axis=0, initial=1.0) * np.ones(len(a))


@pytest.mark.parametrize("kind", [*FIXED.values(), *ADAPTIVE.values()], ids=[*FIXED, *ADAPTIVE])
def test_coefficients_fulfil_the_conditions_of_their_order(kind):
    """Butcher: `sum_i b_i Phi_i(tree) = 1 / gamma(tree)` for all rooted trees up to the order, and of no higher one."""
    table = kind.tableau
    a = np.zeros([table.stages, table.stages])
    for i, row in enumerate(table.a, 1):
        a[i, :i] = row
    np.testing.assert_allclose(a.sum(axis=1), table.c, atol=1e-14)
    residual = lambda b, order: max(abs(b @ weight(t, a) - 1 / density(t)) for t in trees(order))  # noqa: E731
    b = np.array(table.b)
    assert (
        all(residual(b, order) < 1e-13 for order in range(1, table.order + 1)) and residual(b, table.order + 1) > 1e-5
    )
    if table.error is not None:
        embedded = b - table.error
        assert all(residual(embedded, order) < 1e-12 for order in range(1, table.order))
        assert residual(embedded, table.order) > 1e-5
        np.testing.assert_array_equal(a[-1, :-1], b[:-1])  # the first stage of the next step


def pendulum(t, y):
    """Nonlinear, of a time-dependent force."""
    return tf.stack([y[..., 1], -tf.sin(y[..., 0]) + 0.3 * tf.cos(t)], axis=-1)


START = np.array([[0.5, 0.0], [1.5, -1.0], [-2.0, 0.7]])


def reference(start, end, y=START):
    def f(t, flat):
        return pendulum(tf.constant(t, tf.float64), tf.constant(flat.reshape(-1, 2))).numpy().ravel()

    return solve_ivp(f, (start, end), y.ravel(), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1].reshape(-1, 2)


@every_fixed
def test_orders_by_halving_the_steps(kind):
    exact = reference(0.0, 3.0)
    errors = [np.abs(kind(n).solve(pendulum, 0.0, 3.0, START).states - exact).max() for n in (128, 256)]
    assert abs(np.log2(errors[0] / errors[1]) - kind.tableau.order) < 0.1


@every_adaptive
def test_order_of_one_step_of_an_adaptive_method(kind):
    """The error of a step of length `h` is `O(h^6)`, that of the embedded one `O(h^5)`."""
    of_step, of_estimate = [], []
    for h in (0.1, 0.05):
        after, error, last = kind.tableau.step(pendulum, tf.constant(0.0, tf.float64), tf.constant(START), h)
        of_step.append(np.abs(after - reference(0.0, h)).max())
        of_estimate.append(np.abs(error).max())
        np.testing.assert_allclose(last, pendulum(tf.constant(h, tf.float64), after), atol=1e-14)
    assert 5.4 < np.log2(of_step[0] / of_step[1]) < 6.6 and 4.6 < np.log2(of_estimate[0] / of_estimate[1]) < 5.6


@every_adaptive
@pytest.mark.parametrize(("start", "end"), [(0.0, 4.0), (4.0, 0.5)], ids=["forward", "backward"])
def test_the_error_is_within_the_tolerance(kind, start, end):
    exact = reference(start, end)
    for rtol in (1e-4, 1e-8):
        found = kind(rtol=rtol, atol=rtol).solve(pendulum, start, end, START)
        assert not found.failed and float(found.time) == end
        assert np.abs(found.checked() - exact).max() < 20 * rtol
    fewer = kind(rtol=1e-4, atol=1e-4).solve(pendulum, start, end, START)
    assert int(fewer.num_evaluations) < int(found.num_evaluations) / 2
    assert int(found.num_evaluations) == 2 + 6 * int(found.num_steps + found.num_rejected)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_like_the_peer(dtype):
    y = START.astype(dtype)
    peer = tfp.math.ode.DormandPrince(rtol=1e-5, atol=1e-5).solve(pendulum, 0.0, y, solution_times=[1.0, 4.0])
    ours = solvers.DormandPrince().solve(pendulum, 0.0, 4.0, y, times=[1.0, 4.0])
    np.testing.assert_allclose(ours.states, peer.states, atol=5e-4)  # the peer is off by 1.5e-4 at this tolerance
    assert ours.states.dtype == dtype and ours.states.shape == (2, 3, 2)


@compilers
@pytest.mark.parametrize("solver", [solvers.RungeKutta4(20), solvers.Tsitouras()], ids=["fixed", "adaptive"])
def test_compiled_for_batches_of_unknown_size(solver, jit_compile):
    @tf.function(jit_compile=jit_compile, autograph=False, input_signature=[tf.TensorSpec([None, 2])])
    def run(y):
        found = solver.solve(pendulum, 0.0, 2.0, y, times=[0.5, 2.0])
        return found.states, found.num_steps, found.status

    for rows in (1, 3):
        states, steps, status = run(tf.constant(START[:rows], tf.float32))
        eager = solver.solve(pendulum, 0.0, 2.0, START[:rows].astype("float32"), times=[0.5, 2.0])
        np.testing.assert_allclose(states, eager.states, rtol=1e-5, atol=1e-5)
        assert status == 0 and abs(int(steps) - int(eager.num_steps)) <= 1


@every_adaptive
def test_times_that_are_close_cost_no_shorter_steps_behind_them(kind):
    alone = kind().solve(pendulum, 0.0, 4.0, START)
    times = [0.5, 0.5001, 0.5002, 1.5, 1.500001, 4.0]
    found = kind().solve(pendulum, 0.0, 4.0, START, times=times)
    assert int(found.num_steps) <= int(alone.num_steps) + len(times) + 1
    np.testing.assert_allclose(found.states[-1], alone.states, atol=1e-3)


def test_states_of_several_parts_and_each_example_within_the_tolerance():
    """An example that is easy has the tolerance of one that is hard, whatever is beside it."""

    def f(t, state):
        y, total = state
        return y * tf.constant([[-1.0], [-30.0]], tf.float64), y[:, 0]

    y = (np.array([[1.0], [1.0]]), np.zeros(2))
    states, total = solvers.DormandPrince(rtol=1e-7, atol=1e-7).solve(f, 0.0, 1.0, y).checked()
    np.testing.assert_allclose(states[:, 0], np.exp([-1.0, -30.0]), atol=2e-6)
    np.testing.assert_allclose(total, (1 - np.exp([-1.0, -30.0])) / [1.0, 30.0], atol=2e-6)


@compilers
@pytest.mark.parametrize(
    "solver", [solvers.Midpoint(64), solvers.DormandPrince(max_steps=50)], ids=["fixed", "adaptive"]
)
def test_gradients_go_through(solver, jit_compile):
    """Of `y' = -a y`: `y = y_0 e^(-a t)`, by hand."""

    @tf.function(jit_compile=jit_compile, autograph=False)
    def run(rate, y):
        with tf.GradientTape() as tape:
            tape.watch([rate, y])
            end = tf.reduce_sum(solver.solve(lambda t, y: -rate * y, 0.0, 1.5, y).states)
        return tape.gradient(end, [rate, y])

    of_rate, of_start = run(tf.constant(0.7, tf.float64), tf.constant([[2.0]], tf.float64))
    np.testing.assert_allclose([of_rate, of_start[0, 0]], [-3.0 * np.exp(-1.05), np.exp(-1.05)], rtol=1e-4)


@every_adaptive
def test_failures_are_values_with_a_name(kind):
    blows_up = lambda t, y: y**2  # noqa: E731, at time 1
    found = kind(max_steps=30).solve(lambda t, y: tf.cos(300 * t) * y, 0.0, 100.0, np.ones([1, 1]))
    assert found.failed and np.isfinite(found.states).all() and 0 < float(found.time) < 100
    with pytest.raises(
        ValueError, match=r"rtol=1e-05, atol=1e-05, max_steps=30\) failed: as many steps as are allowed"
    ):
        found.checked()
    found = kind().solve(blows_up, 0.0, 2.0, np.ones([1, 1]))
    assert found.failed and np.isfinite(found.states).all() and float(found.time) == pytest.approx(1, abs=1e-3)
    with pytest.raises(ValueError, match=r"time (1|0.99)\d*(\.\d+)? was reached"):
        found.checked()
    found = kind().solve(
        lambda t, y: tf.where(t > 0.5, tf.constant(np.nan, tf.float64), 1.0) * y, 0.0, 1.0, np.ones([1, 1])
    )
    with pytest.raises(ValueError, match="derivative is not finite"):
        found.checked()

    @tf.function(autograph=False)
    def run():
        return kind(max_steps=3).solve(blows_up, 0.0, 2.0, tf.ones([1, 1])).checked()

    with pytest.raises(tf.errors.InvalidArgumentError, match="failed"):
        run()


def test_a_fixed_number_of_steps_that_ends_in_nan_has_failed():
    found = solvers.Euler(10).solve(lambda t, y: y / (t - t), 0.0, 1.0, np.ones([2, 1]))
    assert found.failed and "not finite" in found.reason()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: solvers.Euler(0), "`num_steps` must be an integer of at least 1. Received: 0"),
        (lambda: solvers.DormandPrince(rtol=0.0), "`rtol`"),
        (lambda: solvers.Tsitouras(max_steps=0), "`max_steps`"),
        (lambda: solvers.Euler(2).solve(lambda t, y: (y, y), 0.0, 1.0, START), "must be structured as the state"),
        (lambda: solvers.Euler(2).solve(lambda t, y: y[:, :1], 0.0, 1.0, START), r"Received: \(3, 1\)"),
        (lambda: solvers.Euler(2).solve(pendulum, 0.0, 1.0, np.ones([3, 2], int)), "floating, of one dtype"),
        (
            lambda: solvers.Euler(2).solve(pendulum, 0.0, 1.0, START, times=[0.7, 0.2]),
            "`times` must go from 0.0 to 1.0",
        ),
        (lambda: solvers.Euler(2).solve(pendulum, 0.0, 1.0, START, times=0.7), "`times` must be a vector"),
    ],
)
def test_what_is_refused(ask, message):
    with pytest.raises(ValueError, match=message):
        ask()
