"""Spline couplings and MAF with this package: ``NeuralSplineFlow`` and ``AutoregressiveFlow``.

* Training by ``fit`` on an array, shuffling, metrics and checks included.
* ``evaluation="xla"``: log densities and draws by ``tf.function(jit_compile=True)``, a batch a call; ``"predict"``: log
  densities by ``flow.predict`` of an array of that many batches, draws by a ``tf.function`` of ``flow.sample``.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf

from tfflows.models import AutoregressiveFlow, NeuralSplineFlow


class Trainer:
    """The trainer; see ``_jax_density.JaxDensity`` for ``arrays``."""

    def __init__(self, flow, arrays: dict, evaluation: str):
        self.version = f"tfflows {_version()}, tensorflow {tf.__version__}, keras {keras.__version__}"
        self.num_parameters = sum(int(np.prod(weight.shape)) for weight in flow.trainable_variables)
        self._flow, self._batch_size, self._done = flow, int(arrays["batch_size"]), 0
        self._rows = len(arrays["train"]) // self._batch_size
        self._data, self._test = arrays["train"][: self._rows * self._batch_size], arrays["test"]
        self._first = tf.constant(self._data[: self._batch_size])
        self._compiled = evaluation == "xla"
        self._log_prob = tf.function(flow.log_prob, jit_compile=True, autograph=False)
        draws = [self._batch_size, len(self._test[0])]

        def sample(seed):
            if not self._compiled:
                return flow.sample(self._batch_size, seed=seed)
            # Named, as the generator that XLA would choose is ten times as slow on a CPU.
            return flow.decode(tf.random.stateless_normal(draws, seed, alg="philox"))

        self._sample = tf.function(sample, jit_compile=self._compiled, autograph=False)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, int(arrays["steps"]) - int(arrays["warmup_steps"])),
            warmup_target=float(arrays["learning_rate"]),
            warmup_steps=int(arrays["warmup_steps"]),
        )
        flow.compile(keras.optimizers.Adam(schedule, global_clipnorm=float(arrays["clip_norm"])))

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last mean loss."""
        while steps:
            start = self._done % self._rows
            count = min(steps, self._rows - start)
            data = self._data[start * self._batch_size : (start + count) * self._batch_size]
            history = self._flow.fit(data, batch_size=self._batch_size, verbose=0).history
            self._done, steps = self._done + count, steps - count
        return history["loss"][-1]

    def log_prob(self, steps: int) -> None:
        """Evaluate log densities of so many batches."""
        if self._compiled:
            for _ in range(steps):
                self._log_prob(self._first).numpy()
        else:
            data = np.concatenate([self._data] * -(-steps // self._rows))[: steps * self._batch_size]
            self._flow.predict(data, batch_size=self._batch_size, verbose=0)

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly."""
        for i in range(steps):
            self._sample(tf.constant([i, 0])).numpy()

    def evaluate(self, draws: int) -> dict:
        """The mean log density of the test data, in nats."""
        log_prob = self._flow.predict(self._test, batch_size=8192, verbose=0)
        return {"log_prob": float(log_prob.astype("float64").mean())}


def build(seed: int, arrays: dict, *, model: str, evaluation: str = "xla") -> Trainer:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``, ``evaluation`` ``"xla"`` or ``"predict"``."""
    keras.utils.set_random_seed(seed)  # `fit` shuffles
    options = {"num_layers": 5, "hidden_units": (128, 128), "seed": seed}
    flow = (NeuralSplineFlow if model == "spline" else AutoregressiveFlow)(arrays["train"].shape[1:], **options)
    flow.adapt(arrays["train"])
    return Trainer(flow, arrays, evaluation)


def _version() -> str:
    try:
        return version("tfflows")
    except PackageNotFoundError:
        return "(not installed)"
