"""A block of a causal transformer."""

import math

import keras
import tensorflow as tf

from tfflows.ops import seeds

_EXPANSION = 4  # of the hidden layer of the perceptron
_EPSILON = 1e-5  # of the variance of a normalised row


class CausalBlock(keras.layers.Layer):
    """Attention of each token to itself and the tokens before it, then a perceptron on each token, both residual.

    With layer normalisation before each part,

        h <- h + softmax(q k^T / sqrt(d), causal) v W_o,   q, k, v = norm(h) W_qkv,   in `num_heads` heads of size `d`
        h <- h + gelu(norm(h) W_1) W_2,   `W_1` four times as wide

    and biases. The normalisations have no weights: the linear maps after them would undo theirs.

    `call` takes a whole sequence; `step` one token after another, with the keys and values of those before it, and
    gives the same.

    Args:
      units, num_heads: see `Transformer`.
      num_tokens: int, length of the sequence.
      seed: int or `None`, of the initial weights.
    """

    def __init__(self, units, *, num_heads, num_tokens, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.units, self.num_heads, self.num_tokens = units, num_heads, num_tokens
        glorot, sizes = keras.initializers.GlorotUniform, [3 * units, units, _EXPANSION * units, units]
        self.norms = [Normalisation(name=f"norm_{i}", dtype=self.dtype_policy) for i in range(2)]
        self.qkv, self.attended, self.expanded, self.contracted = (
            keras.layers.Dense(size, kernel_initializer=glorot(seeds.plus(seed, i)), dtype=self.dtype_policy, name=name)
            for i, (name, size) in enumerate(zip(("qkv", "attended", "expanded", "contracted"), sizes))
        )

    def build(self, input_shape):
        for layer in (*self.norms, self.qkv, self.attended, self.expanded):
            layer.build((None, self.units))
        self.contracted.build((None, _EXPANSION * self.units))

    def call(self, h):
        """`[batch * num_tokens, units]`, sequence by sequence, to the same shape."""
        places = tf.range(self.num_tokens)
        attended = self._attend(*self._queries_keys_values(h, self.num_tokens), places[:, None] >= places)
        return self._perceptron(h + attended)

    def step(self, t, h, cache):
        """The token in place `t`.

        Args:
          t: integer `Tensor`.
          h: `[batch, units]`.
          cache: keys and values of the tokens before it, each `[batch, num_heads, num_tokens, units / num_heads]`.

        Returns:
          `[batch, units]`, and the cache with this token in it.
        """
        query, *new = self._queries_keys_values(h, 1)
        places = tf.range(self.num_tokens)
        cache = [tf.where((places == t)[:, None], each, old) for each, old in zip(new, cache)]
        return self._perceptron(h + self._attend(query, *cache, (places <= t)[None])), cache

    def empty_cache(self, batch_size):
        """The cache before the first token."""
        shape = [batch_size, self.num_heads, self.num_tokens, self.units // self.num_heads]
        return [tf.zeros(shape, self.compute_dtype) for _ in range(2)]

    def _queries_keys_values(self, h, length):
        """Three tensors `[batch, num_heads, length, units / num_heads]`."""
        size = self.units // self.num_heads
        heads = tf.reshape(self.qkv(self.norms[0](h)), [-1, length, 3, self.num_heads, size])
        return tf.unstack(tf.transpose(heads, [2, 0, 3, 1, 4]), num=3)

    def _attend(self, queries, keys, values, visible):
        """Rows `[batch * length, units]`; `visible` `[length, num_tokens]` says which keys each query sees."""
        scores = tf.matmul(queries * (1 / math.sqrt(queries.shape[-1])), keys, transpose_b=True)
        # In float32 at least: half precision would round the weights of many tokens away.
        scores = tf.cast(scores, self.variable_dtype)
        weights = tf.nn.softmax(tf.where(visible, scores, scores.dtype.min))
        heads = tf.transpose(tf.cast(weights, values.dtype) @ values, [0, 2, 1, 3])
        return self.attended(tf.reshape(heads, [-1, self.units]))

    def _perceptron(self, h):
        return h + self.contracted(keras.activations.gelu(self.expanded(self.norms[1](h))))


class Normalisation(keras.layers.Layer):
    """Each row less its mean, over its standard deviation; without weights.

    The same numbers as Keras's `LayerNormalization`, which holds the mean constant in the variance
    (`tf.nn.moments`): right in first derivatives, a term short in second ones.
    """

    def call(self, x):
        y = tf.cast(x, self.variable_dtype)  # float32 at least
        mean = tf.reduce_mean(y, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(y, mean), axis=-1, keepdims=True)
        inverse = tf.math.rsqrt(variance + _EPSILON)
        return tf.cast(y * inverse + -mean * inverse, x.dtype)
