"""Causal transformer."""

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.networks.causal_block import CausalBlock, Normalisation
from tfflows.networks.conditioner import Conditioner, event_shape_of
from tfflows.ops import seeds


@keras.saving.register_keras_serializable("tfflows")
class Transformer(Conditioner):
    """A transformer whose outputs for a token see the tokens before it only.

    The token before, zero for the first, is mapped to `units` and a learned vector for the place and one for the
    context are added; `num_blocks` blocks of causal attention and a perceptron follow (layer normalisation before
    each, GELU, four times as wide inside), and a linear layer that starts at zero. So what comes out for the first
    token depends on the context alone.

    With `n = num_outputs` there are `n` outputs for each entry of a token: value `j` for entry `i` is number
    `j F + i` of the last axis.

    A label of -1 stands for no label: nothing is added for the context.

    Blocks compute in the layer's compute dtype, attention weights and the last layer in the dtype of the weights.

    Args:
      event_shape: `(T, F)`, number of tokens and size of each.
      num_outputs: int, values for each entry.
      num_blocks: int.
      units: int, width, a multiple of `num_heads`.
      num_heads: int, heads of attention.
      zero_init: bool, initialise the last layer with zeros.
      seed: int or `None`, of the initial weights.
      **kwargs: of `Conditioner` (`context_size`, `num_classes`).

    Call arguments: see `Conditioner`; one batch axis, the output is `[batch, T, num_outputs * F]`.

    Raises:
      ValueError: as `Conditioner`; an event shape that is not two known sizes, units that the heads do not divide.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.networks import Transformer
    >>> Transformer((16, 12), num_blocks=2, units=32)(tf.ones([8, 16, 12])).shape.as_list()
    [8, 16, 24]

    References:
      Vaswani et al. Attention is all you need. NeurIPS 2017, arXiv 1706.03762.
      Zhai et al. Normalizing flows are capable generative models. ICML 2025, arXiv 2412.06329.
    """

    event_ndims = 2

    def __init__(
        self, event_shape, *, num_outputs=2, num_blocks=4, units=128, num_heads=4, zero_init=True, seed=None, **kwargs
    ):
        super().__init__(**kwargs)
        event_shape = tuple(event_shape)
        if len(event_shape) != 2:
            raise ValueError(f"`event_shape` must be (tokens, size of a token). Received: {event_shape}")
        arguments.check_sizes(event_shape=event_shape)
        arguments.check_integer(num_outputs=num_outputs, num_blocks=num_blocks)
        check_heads(units, num_heads)
        self.event_shape, self.num_outputs, self.num_blocks = event_shape, num_outputs, num_blocks
        self.units, self.num_heads, self.zero_init, self.seed = units, num_heads, zero_init, seed
        first = None if seed is None else 1000 * seed
        self.place_initializer, self.context_kernel_initializer = (
            keras.initializers.RandomNormal(stddev=0.02, seed=seeds.plus(first, i)) for i in range(2)
        )
        glorot = keras.initializers.GlorotUniform(seed=seeds.plus(first, 2))
        self.embedding = keras.layers.Dense(units, kernel_initializer=glorot, dtype=self.dtype_policy, name="embedding")
        sizes = {"num_heads": num_heads, "num_tokens": event_shape[0], "dtype": self.dtype_policy}
        self.blocks = [
            CausalBlock(units, seed=seeds.plus(first, 10 * (i + 1)), name=f"block_{i}", **sizes)
            for i in range(num_blocks)
        ]
        self.last_norm = Normalisation(name="last_norm", dtype=self.dtype_policy)
        # Narrow, and in the dtype of the weights: rounded, a shift would add its rounding to the data.
        self.last = keras.layers.Dense(
            num_outputs * event_shape[1],
            kernel_initializer="zeros" if zero_init else glorot,
            dtype=self.variable_dtype,
            name="last",
        )

    def build(self, input_shape):
        num_tokens, token_size = self.event_shape
        self.place = self.add_weight((num_tokens, self.units), self.place_initializer, name="place")
        if self.conditional:
            shape = (self.encoded_size, self.units)
            self.context_kernel = self.add_weight(shape, self.context_kernel_initializer, name="context_kernel")
        self.embedding.build((None, token_size))
        for layer in (*self.blocks, self.last_norm, self.last):
            layer.build((None, self.units))

    def call(self, inputs):
        x, context = self.split_inputs(inputs)
        num_tokens, token_size = self.event_shape
        if x.shape.rank != 3 or not x.shape[1:].is_compatible_with(self.event_shape):
            raise ValueError(f"{self.name} expects [batch, {num_tokens}, {token_size}]. Received: shape {x.shape}")
        before = tf.pad(x[:, :-1], [[0, 0], [1, 0], [0, 0]])
        h = tf.reshape(self.embedding(tf.reshape(before, [-1, token_size])), [-1, num_tokens, self.units])
        h += self._computing(self.place)
        if context is not None:
            h += self._embedded(context)[:, None]
        h = tf.reshape(h, [-1, self.units])
        for block in self.blocks:
            h = block(h)
        return tf.reshape(self.last(self.last_norm(h)), [-1, num_tokens, self.last.units])

    def token_by_token(self, inputs):
        """The same outputs for one token after another: `TokenByToken`.

        Args:
          inputs: `Tensor` `[batch, T, F]`, of which only the shape counts, or the pair of it and the context.
        """
        x, context = self.split_inputs(inputs)
        return TokenByToken(self, tf.shape(x)[0] if x.shape[0] is None else x.shape[0], context)

    def _embedded(self, context):
        return tf.cast(context, self.compute_dtype) @ self._computing(self.context_kernel)

    def _computing(self, weight):
        """A weight in the compute dtype, also outside of `call`, where Keras does not cast it."""
        return tf.cast(tf.convert_to_tensor(weight), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*event_shape_of(input_shape)[:-1], self.last.units)


def check_heads(units, num_heads):
    """Refuses a width that the heads of attention do not divide."""
    arguments.check_integer(units=units, num_heads=num_heads)
    if units % num_heads:
        raise ValueError(f"`units` must be a multiple of `num_heads`, {num_heads}. Received: {units}")


class TokenByToken:
    """The outputs of a `Transformer` for one token after another, each token known before the next is asked for.

    A pass through the network would compute everything again for each token. Here the keys and values of every token
    are kept, so that a step evaluates one token, and all `T` together multiply about as often as one pass.

    Args:
      network: built `Transformer`.
      batch_size: int or `Tensor`.
      context: `Tensor` `[batch, encoded_size]` or `None`, as `network.split_inputs` gives it.
    """

    def __init__(self, network, batch_size, context):
        self._network = network
        self._places = network._computing(network.place)
        self._context = None if context is None else network._embedded(context)
        self.start = [block.empty_cache(batch_size) for block in network.blocks]

    def __call__(self, t, token, state):
        """Step `t`.

        Args:
          t: integer `Tensor`.
          token: `[batch, F]`, the token before, in place `t - 1`; zeros for `t = 0`.
          state: keys and values of each block, `start` at first.

        Returns:
          `[batch, num_outputs * F]`, the outputs for the token in place `t`, in the dtype of the weights, and the
          state.
        """
        network = self._network
        h = network.embedding(token) + self._places[t]
        h = h if self._context is None else h + self._context
        caches = []
        for block, cache in zip(network.blocks, state):
            h, cache = block.step(t, h, cache)
            caches.append(cache)
        return network.last(network.last_norm(h)), caches
