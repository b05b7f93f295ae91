"""The perceptron on every token."""

import numpy as np
import tensorflow as tf

from tfflows.networks import MLP, TokenMLP


def test_each_token_is_mapped_alone_with_the_context_of_its_sequence():
    options = {"hidden_units": (8,), "zero_init": False, "num_classes": 3, "seed": 1}
    x = tf.constant(np.random.default_rng(0).normal(size=(4, 5, 3)), tf.float32)
    labels = tf.constant([0, 2, 1, -1])
    tokens, single = TokenMLP(2, **options), MLP(2, **options)
    expected = [single([x[:, t], labels]) for t in range(5)]
    np.testing.assert_allclose(tokens([x, labels]), tf.stack(expected, axis=1), rtol=1e-6, atol=1e-6)
    assert tokens.compute_output_shape([(None, 5, 3), (None,)]) == (None, 5, 2)
