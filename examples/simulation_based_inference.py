"""Infer the parameters of a simulator from its output: one flow for the posteriors of all outputs, and a check of it.

python examples/simulation_based_inference.py [--fast] [--figure ranks.png]

Prior t ~ N(0, I) in the plane; the simulator gives x1 = |t1| + 0.3 e1 and x2 = t2 + t1^2 / 2 + 0.3 e2. The sign of t1
is lost: posteriors have two modes and are curved. They are known here, so the gap of the flow to them can be told
(nats), beside the check that needs no known posterior, simulation-based calibration: ranks of the true parameters among
the flow's draws must be uniform (chi-square test).
"""

import argparse
import pathlib

import keras
import numpy as np

from tfflows import evaluation, models, plotting

NOISE = 0.3


def simulate(n, seed):
    """Parameters from the prior, and what the simulator makes of them: `[n, 2]` each."""
    rng = np.random.default_rng(seed)
    t = rng.normal(size=(n, 2))
    x = np.stack([np.abs(t[:, 0]), t[:, 1] + t[:, 0] ** 2 / 2], axis=1) + NOISE * rng.normal(size=(n, 2))
    return t.astype("float32"), x.astype("float32")


def log_normal(x, mean, deviation):
    return -0.5 * ((x - mean) / deviation) ** 2 - np.log(deviation) - 0.5 * np.log(2 * np.pi)


def log_posterior(t, x):
    """`log p(t | x)` of each row: prior times likelihood, divided by an integral over t1 (that over t2 is known)."""
    t, x = t.astype("float64"), x.astype("float64")
    prior = log_normal(t, 0.0, 1.0).sum(axis=1)
    likelihood = log_normal(x[:, 0], np.abs(t[:, 0]), NOISE) + log_normal(x[:, 1], t[:, 1] + t[:, 0] ** 2 / 2, NOISE)
    grid, step = np.linspace(0.0, 7.0, 1401, retstep=True)
    log_weights = np.log(np.where((grid == 0) | (grid == 7), step, 2 * step))  # both signs of t1, which are alike
    logs = log_normal(grid, 0.0, 1.0) + log_normal(x[:, :1], grid, NOISE)
    logs += log_normal(x[:, 1:], grid**2 / 2, np.hypot(1.0, NOISE)) + log_weights
    return prior + likelihood - np.logaddexp.reduce(logs, axis=1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", type=pathlib.Path, help="where to write the rank histograms (default: nowhere)")
    parser.add_argument("--fast", action="store_true", help="a small flow, a few steps")
    options = parser.parse_args()

    keras.utils.set_random_seed(0)
    batch_size, steps, cases = 512, (20 if options.fast else 4_000), (200 if options.fast else 2_000)
    parameters, outputs = simulate(batch_size * steps, seed=0)
    size = {"num_layers": 2, "hidden_units": (16,)} if options.fast else {"num_layers": 4, "hidden_units": (64, 64)}
    flow = models.NeuralSplineFlow(event_shape=(2,), context_size=2, **size)
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=2e-3, warmup_steps=steps // 10)
    flow.compile(keras.optimizers.Adam(schedule, global_clipnorm=1.0))
    flow.fit(parameters, outputs, batch_size=batch_size, verbose=2)

    t, x = simulate(20_000, seed=1)
    gap = log_posterior(t, x) - flow.log_prob(t, x).numpy()
    print(f"gap to the true posteriors: {gap.mean():.4f} +- {gap.std() / np.sqrt(len(gap)):.4f} nats")
    t, x = simulate(cases, seed=2)
    calibration = evaluation.simulation_based_calibration(flow, t, x, seed=3)
    if options.figure:
        plotting.rank_histograms_figure(calibration.counts, names=("t1", "t2")).savefig(options.figure)
    p_values = ", ".join(f"{p:.3f}" for p in calibration.p_values)
    print(f"calibration, {cases} cases: chi-square p = {p_values} (above 0.01: ranks are uniform)")


if __name__ == "__main__":
    main()
