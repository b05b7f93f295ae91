"""RealNVP with this package: ``tfflows.models.RealNVP``.

* ``loop="fit"``: training through ``fit`` on an array, as a user would, shuffling, metrics and checks included.
* ``loop="bare"``: a compiled loop of ``group`` steps a call over the same flow, without ``fit``.
* ``evaluation="function"``: ``tf.function`` of ``flow.log_prob``, called once a batch; ``"xla"``: the same with
  ``jit_compile=True``.
* ``evaluation="predict"``: ``flow.predict`` of an array of that many batches, in chunks of one batch.
* ``evaluation="called"``: ``flow.log_prob`` and ``flow.sample`` as they are called; ``"uncompiled"``: likewise, where
  TensorFlow runs functions eagerly; ``"predict one"``: ``flow.predict`` of one batch at a time.

Differences from the case: a standardisation of the data in front (a shift and a scale that are not trained), and a log
scale bounded by ``3 tanh(raw / 3)``.  35,344 trained parameters, those of the case.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

import keras
import numpy as np
import tensorflow as tf

from tfflows.models import RealNVP

BATCH_SIZE = 1024
LEARNING_RATE = 1e-3
EVALUATIONS = ("function", "xla", "predict", "called", "uncompiled", "predict one")


class TensorFlowFlow:
    """The trainer.

    Args:
        flow: The flow, adapted.
        train_data: Array of shape ``[N, 2]``.
        loop: ``"fit"`` or ``"bare"``.
        group: Optimizer steps in one call of the compiled function of the bare loop.
        evaluation: One of ``EVALUATIONS``.
    """

    def __init__(self, flow: RealNVP, train_data: np.ndarray, loop: str, group: int, evaluation: str):
        self.version = f"tfflows {_version()}, tensorflow {tf.__version__}, keras {keras.__version__}"
        self.num_parameters = sum(int(np.prod(weight.shape)) for weight in flow.trainable_variables)
        self._flow = flow
        self._rows = len(train_data) // BATCH_SIZE
        self._data = train_data[: self._rows * BATCH_SIZE]
        self._first = tf.constant(self._data[:BATCH_SIZE])
        compiles = evaluation in ("function", "xla")
        self._log_prob, self._sample = flow.log_prob, lambda seed: flow.sample(BATCH_SIZE, seed=seed)
        if compiles:
            self._log_prob = tf.function(self._log_prob, jit_compile=evaluation == "xla")
            self._sample = tf.function(self._sample, jit_compile=evaluation == "xla")
        elif evaluation == "predict one":
            self._log_prob = lambda x: tf.constant(flow.predict(x, batch_size=BATCH_SIZE, verbose=0))
            self._first = self._first.numpy()
        tf.config.run_functions_eagerly(evaluation == "uncompiled")
        self.log_prob = self._by_predict if evaluation == "predict" else self._by_function
        self.train = self._by_fit if loop == "fit" else self._bare(group)
        flow.compile(keras.optimizers.Adam(LEARNING_RATE))

    def _by_fit(self, steps: int) -> float:
        """Make optimizer steps and return the last epoch's mean loss."""
        epochs, rest = divmod(steps, self._rows)
        for data, count in ((self._data, epochs), (self._data[: rest * BATCH_SIZE], min(rest, 1))):
            if count:
                history = self._flow.fit(data, batch_size=BATCH_SIZE, epochs=count, verbose=0).history
        return history["loss"][-1]

    def _bare(self, group: int):
        """A ``train`` that does without ``fit``."""
        flow, rows = self._flow, self._rows
        weights = flow.trainable_variables
        optimizer = keras.optimizers.Adam(LEARNING_RATE)
        optimizer.build(weights)
        batches = tf.constant(self._data.reshape(rows, BATCH_SIZE, -1))

        def step(i):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(flow.log_prob(tf.gather(batches, i % rows)))
            optimizer.apply_gradients(zip(tape.gradient(loss, [w.value for w in weights]), weights, strict=True))
            return loss

        @tf.function
        def many(start, count):
            loss = tf.constant(0.0)
            for k in tf.range(count):
                loss = step(start + k)
            return loss

        def train(steps: int) -> float:
            for start in range(0, steps, group):
                loss = many(tf.constant(start), tf.constant(min(group, steps - start)))
            return float(loss)

        return train

    def _by_function(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly, waiting for each result."""
        for _ in range(steps):
            self._log_prob(self._first).numpy()

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly, waiting for each."""
        for i in range(steps):
            self._sample(tf.constant([i, 0])).numpy()

    def _by_predict(self, steps: int) -> None:
        """Evaluate the log density of so many batches in one call."""
        repeats = -(-steps // self._rows)
        data = np.concatenate([self._data] * repeats)[: steps * BATCH_SIZE]
        self._flow.predict(data, batch_size=BATCH_SIZE, verbose=0)


def build(
    seed: int, train_data: np.ndarray, *, loop: str = "fit", group: int = 32, evaluation: str = "function"
) -> TensorFlowFlow:
    """Build the flow.

    Args:
        seed: Seed of the initial parameters.
        train_data: Array of shape ``[N, 2]``.
        loop: ``"fit"`` or ``"bare"``.
        group: Optimizer steps in one call of the compiled function of the bare loop.
        evaluation: One of ``EVALUATIONS``.

    Returns:
        The trainer.

    Raises:
        ValueError: If there is no such variant.
    """
    if loop not in ("fit", "bare") or evaluation not in EVALUATIONS:
        raise ValueError(f"unknown variant: loop={loop!r}, evaluation={evaluation!r}")
    flow = RealNVP(event_shape=train_data.shape[1:], num_layers=8, hidden_units=(64, 64), seed=seed)
    flow.adapt(train_data)
    return TensorFlowFlow(flow, train_data, loop, group, evaluation)


def _version() -> str:
    try:
        return version("tfflows")
    except PackageNotFoundError:
        return "(not installed)"
