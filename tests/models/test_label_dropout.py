"""Which labels are dropped is decided by the flow's seed, and by nothing outside of it."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tfflows.models import TransformerFlow


def flow(seed):
    sizes = {"patch_size": 2, "num_flows": 1, "num_blocks": 1, "units": 8, "num_heads": 2}
    model = TransformerFlow((4, 4, 1), **sizes, dequantization=None, num_classes=2, label_dropout=0.5, seed=seed)
    rng = np.random.default_rng(0)
    for weight in model.trainable_variables:
        weight.assign_add(0.3 * rng.normal(size=weight.shape))
    return model


def dropped(model, labels, global_seed):
    keras.utils.set_random_seed(global_seed)
    x = tf.ones([len(labels), 4, 4, 1])
    with_label = model.log_prob(x, labels.astype("int32")).numpy()
    found = []
    for _ in range(2):
        tf.random.uniform([])  # another user of the global generator
        found.append(~np.isclose(model((x, labels), training=True), with_label, rtol=1e-6))
    return np.stack(found)


@pytest.mark.parametrize("dtype", ["int64", "uint8"])
def test_one_seed_drops_the_same_labels(dtype):
    labels = (np.arange(200) % 2).astype(dtype)
    first, again, other = dropped(flow(3), labels, 0), dropped(flow(3), labels, 1), dropped(flow(4), labels, 0)
    np.testing.assert_array_equal(first, again)
    assert 60 < first[0].sum() < 140 and (first[0] != first[1]).any() and (first != other).any()


def test_nothing_more_is_saved():
    model = flow(3)
    assert not any("seed" in variable.path for variable in model.variables)
