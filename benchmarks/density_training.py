"""Training of a flow on a density with known log-probabilities, and the gap between the two."""

import dataclasses
import time

import keras
import numpy as np

from tfflows import datasets

BATCH_SIZE = 512
LEARNING_RATE = 4e-3
WARMUP_STEPS = 300
WEIGHT_DECAY = 0.03  # without it a rare point between the modes may get a log-density of minus thousands
CLIP_NORM = 1.0
RECIPE = (
    f"batch {BATCH_SIZE}, every batch fresh draws; Adam, learning rate raised to {LEARNING_RATE:g} over {WARMUP_STEPS} "
    f"steps, then decayed to 0 along a cosine; weight decay {WEIGHT_DECAY:g}; gradients clipped to norm {CLIP_NORM:g}"
)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How well one flow learned one density, in nats.

    Attributes:
      gap: mean over test points of `log p - log q`, an unbiased estimate of `KL(p || q)`.
      standard_error: of that mean.
      worst: the largest `log p - log q` of a test point.
      test_nats: mean of `-log q`.
      seconds: of `fit`, compilation included.
    """

    gap: float
    standard_error: float
    worst: float
    test_nats: float
    seconds: float


def optimizer(steps):
    """Adam with decoupled weight decay as in `RECIPE`, for that many steps."""
    warmup = min(WARMUP_STEPS, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(steps - warmup, 1), alpha=0.0, warmup_target=LEARNING_RATE, warmup_steps=warmup
    )
    return keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY, global_clipnorm=CLIP_NORM)


def train_and_judge(make_flow, density, *, seed, steps, num_test):
    """Trains a flow on fresh draws of a density and evaluates it on others.

    Args:
      make_flow: function of a seed, returns an uncompiled flow.
      density: a `tfflows.datasets.ToyDensity`.
      seed: int; data, initial weights and order of the batches follow from it.
      steps: int, number of optimizer steps.
      num_test: int, number of test points.

    Returns:
      The trained flow and its `Outcome`.
    """
    train, test = np.random.SeedSequence(seed).spawn(2)
    keras.utils.set_random_seed(seed)
    flow = make_flow(seed)
    flow.compile(optimizer(steps))
    x = density.sample(steps * BATCH_SIZE, seed=train)
    start = time.perf_counter()
    flow.fit(x, batch_size=BATCH_SIZE, epochs=1, verbose=0)
    seconds = time.perf_counter() - start
    x = density.sample(num_test, seed=test)
    log_q = flow.predict(x, batch_size=8192, verbose=0).astype("float64")
    gap = density.log_prob(x) - log_q
    error = gap.std() / np.sqrt(num_test)
    return flow, Outcome(float(gap.mean()), float(error), float(gap.max()), float(-log_q.mean()), seconds)


def density_named(name):
    """The toy density of that name, hyphens as good as underscores.

    Raises:
      SystemExit: there is none.
    """
    key = name.replace("-", "_")
    if key not in datasets.toy_names():
        raise SystemExit(f"Unknown density. Names: {', '.join(datasets.toy_names())}. Received: {name!r}")
    return getattr(datasets, key)()
