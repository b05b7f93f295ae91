"""Settings of every test: quiet TensorFlow logs, and no test leaves Keras's precision policy behind."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import keras  # noqa: E402
import pytest  # noqa: E402
import tensorflow as tf  # noqa: E402

_iterator = tf.data.Dataset.__iter__


def _untuned_iterator(dataset):
    """Of Keras's pipelines and the tests' own: whose tuning thread a test may wait 20 s for (`batching.untuned`)."""
    options = tf.data.Options()
    options.autotune.enabled = False
    return _iterator(dataset.with_options(options))


tf.data.Dataset.__iter__ = _untuned_iterator


@pytest.fixture(autouse=True)
def float_policy_reset():
    policy = keras.config.dtype_policy()
    yield
    keras.config.set_dtype_policy(policy)


def pytest_collection_finish():
    """What was imported stays: the garbage collector need not walk its million objects again and again."""
    gc.collect()
    gc.freeze()
