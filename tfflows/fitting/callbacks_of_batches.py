"""Which callbacks need every batch, so that "auto" steps a call have to be 1."""

import keras

_HOOKS = [f"on_{kind}batch_{end}" for kind in ("", "train_", "test_") for end in ("begin", "end")]
_BY_EPOCH = {"save_freq": ("epoch", False), "update_freq": ("epoch",)}  # of Keras's callbacks with hooks for batches


def among(callbacks):
    """The name of the first callback that needs every batch, or `None`.

    Args:
      callbacks: as given to `fit`: `None`, a callback, a list of them, or a `keras.callbacks.CallbackList`.
    """
    given = getattr(callbacks, "callbacks", callbacks)
    for each in keras.tree.flatten(given):
        if each is not None and _needs_batches(each):
            return type(each).__name__
    return None


def _needs_batches(callback):
    if isinstance(callback, keras.callbacks.ProgbarLogger):
        return False
    for name, epochs in _BY_EPOCH.items():
        if type(callback).__module__.startswith("keras.") and hasattr(callback, name):
            return getattr(callback, name) not in epochs
    base = keras.callbacks.Callback
    return any(
        hook in vars(callback) or getattr(type(callback), hook, None) is not getattr(base, hook) for hook in _HOOKS
    )
