"""Log-probabilities of an array in memory: many batches in one call of a compiled function, several at once."""

import numpy as np
import tensorflow as tf

from tfflows.fitting import execution
from tfflows.fitting.plan import GRAPH, STEPS, XLA


class ResidentPrediction:
    """The compiled function of `predict` for arrays in memory; it keeps none of them.

    As many batches run at the same time as there are cores. Under XLA, whose loops are sequential, one loop runs on
    each core, over batches that are smaller by the number of cores.

    Args:
      model: `FlowModel`, not distributed.
      batch_size: int, examples evaluated together.
      compiler: of a `Plan`.
    """

    def __init__(self, model, batch_size, compiler):
        self._model, self._compiler = model, compiler
        cores = execution.cores()
        self._loops, self._at_once = (1, cores) if compiler == GRAPH else (min(cores, batch_size), 1)
        self._rows = -(-batch_size // self._loops)
        self._run = self._compiled(compiler != GRAPH)

    def blocks(self, arrays):
        """Arrays with equal first axis, at least one example, as blocks of batches: a list of tuples."""
        batches, block = -(-len(arrays[0]) // self._rows), STEPS * self._loops
        if self._compiler != GRAPH:  # XLA compiles for one shape: few shapes, and the last block filled up
            block = min(block, 2 ** (batches - 1).bit_length())
            batches = -(-batches // block) * block
        missing = batches * self._rows - len(arrays[0])
        filled = [np.concatenate([a, np.repeat(a[-1:], missing, axis=0)]) if missing else a for a in arrays]
        shaped = [a.reshape(batches, self._rows, *a.shape[1:]) for a in filled]
        return [tuple(a[start : start + block] for a in shaped) for start in range(0, batches, block)]

    def __call__(self, block):
        """Log-probabilities of a block, those of the filling included."""
        block = tuple(map(tf.convert_to_tensor, block))
        try:
            return self._run(block)
        except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
            if self._compiler == XLA:
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
