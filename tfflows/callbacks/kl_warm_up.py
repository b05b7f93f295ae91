"""The divergence of a posterior layer, faded in."""

import keras

from tfflows.arguments import check_integer
from tfflows.layers import Posterior


class KLWarmUp(keras.callbacks.Callback):
    """Raises `beta` of every posterior layer of a model from `start` to its own value, linearly in training steps.

        beta_t = start + (beta - start) min(1, t / num_steps)

    with `t` the optimizer's count of steps, so that a `fit` that continues goes on where it was. `beta` is a variable:
    nothing is traced again. It changes when Keras calls back: after each step unless `compile` was given another
    `steps_per_execution`.

    Args:
      num_steps: int >= 1.
      start: float >= 0.

    Raises:
      ValueError: other numbers; at the start of training, a model without posterior layers.

    Example:

    >>> import keras, numpy as np
    >>> from tfflows import callbacks, layers
    >>> model = keras.Sequential([layers.GaussianPosterior(2), keras.layers.Dense(3)])
    >>> model.compile("adam", "mse")
    >>> x = np.ones([64, 3], "float32")
    >>> history = model.fit(x, x, batch_size=16, verbose=0, callbacks=[callbacks.KLWarmUp(num_steps=8)])
    >>> float(model.layers[0].beta.numpy())
    0.5

    References:
      Bowman, Vilnis, Vinyals, Dai, Jozefowicz, Bengio. Generating sentences from a continuous space. CoNLL 2016, arXiv
      1511.06349. Sonderby, Raiko, Maaloe, Sonderby, Winther. Ladder variational autoencoders. NeurIPS 2016, arXiv
      1602.02282.
    """

    def __init__(self, num_steps, *, start=0.0):
        super().__init__()
        check_integer(num_steps=num_steps)
        if not start >= 0:
            raise ValueError(f"`start` must be a number of at least 0. Received: {start!r}")
        self._num_steps, self._start = num_steps, float(start)

    def on_train_begin(self, logs=None):
        """Sets the weight that belongs to the steps done so far."""
        self._posteriors = [each for each in self.model._flatten_layers() if isinstance(each, Posterior)]
        if not self._posteriors:
            raise ValueError(f"A model with posterior layers is needed. Received: {self.model.name} without one")
        self._assign()

    def on_train_batch_end(self, batch, logs=None):
        """Sets the weight of the next step."""
        self._assign()

    def _assign(self):
        share = min(1.0, int(self.model.optimizer.iterations) / self._num_steps)
        for layer in self._posteriors:
            layer.beta.assign(self._start + (layer.initial_beta - self._start) * share)
