"""Log-probabilities of an array in memory: many batches in one call of a compiled function, several at once."""

import numpy as np
import tensorflow as tf

from tfflows.datasets import batching
from tfflows.fitting import execution

BATCHES = 32  # in one call


class ResidentPrediction:
    """The predict function of a flow for arrays in memory.

    As many batches run at the same time as there are cores. Under XLA, whose loops are sequential, one loop runs on
    each core, over batches that are smaller by the number of cores.

    Args:
      model: `FlowModel`, not distributed.
      batch_size: int, examples evaluated together.
      jit_compile: `True` for XLA, `False` for none, "auto" for XLA if it can compile the flow.
    """

    def __init__(self, model, batch_size, *, jit_compile):
        self.batch_size, self.asked = batch_size, jit_compile
        self._model = model
        cores = execution.cores() if execution.on_cpu() else 1
        self._loops, self._at_once = (min(cores, batch_size), 1) if jit_compile else (1, cores)
        self._rows = -(-batch_size // self._loops)
        self._run = self._compiled(bool(jit_compile))
        self._blocks = []

    def load(self, arrays):
        """Takes the data of a `predict`.

        Args:
          arrays: tuple of arrays with equal first axis, at least one example.

        Returns:
          `tf.data.Dataset` of the numbers of the blocks.
        """
        batches, block = -(-len(arrays[0]) // self._rows), BATCHES * self._loops
        if self.asked:  # XLA compiles for one shape: few shapes, and the last block filled up
            block = min(block, 2 ** (batches - 1).bit_length())
            batches = -(-batches // block) * block
        missing = batches * self._rows - len(arrays[0])
        filled = [np.concatenate([a, np.repeat(a[-1:], missing, axis=0)]) if missing else a for a in arrays]
        shaped = [a.reshape(batches, self._rows, *a.shape[1:]) for a in filled]
        self._blocks = [tuple(a[start : start + block] for a in shaped) for start in range(0, batches, block)]
        return batching.untuned(tf.data.Dataset.range(len(self._blocks)))

    def release(self):
        """Lets go of the data."""
        self._blocks = []

    def __call__(self, numbers):
        """Log-probabilities of the blocks with these numbers, those of the filling included."""
        return tf.concat([self._evaluate(self._blocks[int(number)]) for number in numbers], axis=0)

    def _evaluate(self, block):
        block = tuple(map(tf.convert_to_tensor, block))
        try:
            return self._run(block)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            if self.asked != "auto":
                raise
        self._run = self._compiled(False)  # no XLA kernel for something in this flow
        return self._run(block)

    def _compiled(self, jit_compile):
        loop = tf.function(self._in_turn, autograph=False, jit_compile=True) if jit_compile else self._in_turn

        @tf.function(autograph=False, reduce_retracing=not jit_compile)
        def run(block):
            parts = zip(*(tf.split(a, self._loops) for a in block), strict=True) if jit_compile else [block]
            return tf.concat([loop(part) for part in parts], axis=0)

        return run

    def _in_turn(self, block):
        # Not tf.map_fn: an error inside it leaves TensorFlow's variable scope changed for the whole process.
        count = tf.shape(block[0])[0] if block[0].shape[0] is None else block[0].shape[0]
        array = tf.TensorArray(self._model.distribution.dtype, size=count, element_shape=[self._rows])

        def body(i, array):
            return i + 1, array.write(i, self._model.predict_step(tuple(part[i] for part in block)))

        _, array = tf.while_loop(
            lambda i, _: i < count, body, (0, array), parallel_iterations=self._at_once, maximum_iterations=count
        )
        return tf.reshape(array.stack(), [-1])
