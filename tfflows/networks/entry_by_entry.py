"""A MADE evaluated one entry after another."""

import numpy as np
import tensorflow as tf


class EntryByEntry:
    """The outputs of a MADE for one entry of the event after another, each entry known before the next is asked for.

    A pass through the network would compute everything again for each entry. Here every hidden unit is computed once,
    when the last input that it sees is known: the step that brings the input of degree `k` adds it to the
    pre-activations of the first layer, then the units of degree `k` of each layer to those of the next, and reads the
    outputs for the entry of degree `k + 1`. All `D` steps together multiply about as often as one pass of the network,
    plus once through the last hidden layer for each entry.

    Args:
      made: built `networks.MADE` with a hidden layer.
      context: `Tensor` `[batch, encoded_size]` or `None`, as `made.split_inputs` gives it.
      like: `Tensor` `[batch, D]`, of the events' batch and dtype.
      unrolled: bool, every step is called with an int.
    """

    def __init__(self, made, context, like, *, unrolled=False):
        array = _Unstacked if unrolled else _array
        kernels = [layer.masked_kernel() for layer in made.dense]
        biases = [tf.convert_to_tensor(layer.bias) for layer in made.dense]
        self._dtype, self._compute = like.dtype, kernels[0].dtype
        self._activation, self._size = made.activation, made.event_size
        widths, self._first = made.hidden_units, [0]
        for i in range(1, len(widths)):
            self._first.append(self._first[-1] if made.residual and widths[i] == widths[i - 1] else i)
        order = made.order
        # Step 0 brings no entry, and the units that see the context alone.
        self._columns = array(tf.pad(tf.gather(kernels[0][: self._size], order), [[1, 0], [0, 0]])[: self._size])
        self._units, self._rows = [], []
        for degrees, kernel in zip(made.degrees, kernels[1:-1]):
            units, real = _groups(degrees, self._size)
            self._units.append(tf.constant(units))
            self._rows.append(array(tf.gather(kernel, units) * tf.constant(real[..., None], kernel.dtype)))
        last = tf.reshape(kernels[-1], [-1, made.num_outputs, self._size])
        self._last = array(tf.gather(tf.transpose(last, [2, 0, 1]), order))
        last_bias = tf.reshape(biases[-1], [made.num_outputs, self._size])
        self._last_bias = array(tf.gather(tf.transpose(last_bias), order))
        start = [tf.zeros_like(like[:, :1], bias.dtype) + bias for bias in biases[:-1]]
        if context is not None:
            start[0] += tf.cast(context, self._compute) @ kernels[0][self._size :]
        self.start = tuple(start)

    def __call__(self, k, entry, state):
        """Step `k`.

        Args:
          k: integer `Tensor`.
          entry: `[batch]`, the entry of degree `k`; anything finite for `k = 0`.
          state: pre-activations of the hidden layers, `start` at first.

        Returns:
          `[batch, num_outputs]`, the outputs for the entry of degree `k + 1`, and the state.
        """
        state = list(state)
        state[0] += tf.cast(entry, self._compute)[:, None] * self._columns.read(k)
        for i, (units, rows) in enumerate(zip(self._units, self._rows)):
            first = self._first[i]
            done = [tf.gather(each, units[k], axis=1) for each in state[first : i + 1]]
            state[i + 1] += self._hidden(done) @ rows.read(k)
        outputs = self._hidden(state[self._first[-1] :]) @ self._last.read(k)
        return tf.cast(outputs + self._last_bias.read(k), self._dtype), tuple(state)

    def _hidden(self, pre_activations):
        """Units of a layer, from its pre-activations and those of the layers that skip connections add to it."""
        return tf.add_n([self._activation(each) for each in pre_activations])


def _array(value):
    return tf.TensorArray(value.dtype, size=value.shape[0], element_shape=value.shape[1:]).unstack(value)


class _Unstacked:
    """As a `tf.TensorArray`, read with ints."""

    def __init__(self, value):
        self._values = tf.unstack(value)

    def read(self, k):
        return self._values[k]


def _groups(degrees, size):
    """Units of each degree `0 ... size - 1`, `[size, most]`, and which of them are real, not filled in."""
    found = [np.flatnonzero(degrees == k) for k in range(size)]
    most = max(map(len, found))
    units = np.array([np.pad(each, (0, most - len(each))) for each in found])
    return units, np.arange(most) < np.array([len(each) for each in found])[:, None]
