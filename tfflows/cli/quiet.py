"""Loads TensorFlow without what it says of the machine, which is no word to who types a command."""

import contextlib
import os
import sys


def load():
    """Imports the models and finds the devices, standard error closed meanwhile unless TF_CPP_MIN_LOG_LEVEL is set.

    TensorFlow writes from C++ before any level of logging counts, so that only the file itself can be closed.
    """
    with _closed_stderr() if "TF_CPP_MIN_LOG_LEVEL" not in os.environ else contextlib.nullcontext():
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        from tfflows import models  # noqa: F401, I001 - says first if the backend is another

        import tensorflow as tf

        tf.config.list_logical_devices()


@contextlib.contextmanager
def _closed_stderr():
    try:
        kept = os.dup(2)
    except OSError:  # there is none
        yield
        return
    sys.stderr.flush()
    try:
        with open(os.devnull, "w") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
