"""Training that stops where numbers end, with the weights of before."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.fitting import bad_gradients, step_checks
from tfflows.fitting.planned_model import PlannedModel


class NanGuard(keras.callbacks.Callback):
    """Stops `fit` when a loss, a weight or what an optimizer keeps is not finite, and puts the last good ones back.

    `fit` of the models of this package stops by itself at a loss that is not finite. A gradient may be NaN where the
    loss is finite (a root at 0, a `tf.where` over two branches), and then all weights it reaches are, one step before
    any loss tells. This callback looks at them after each step; and it does so in any `keras.Model`, one with posterior
    layers or flows inside too.

    A flow then says which example it was, and in which bijector, as it does of a loss; other models say which layers'
    weights were no longer finite. A gradient goes through the layers from the loss on: of these it is the last one in
    which it began, or what follows it.

    It keeps one copy of all weights and of the optimizer's variables, and needs every batch, so that `fit` of models of
    this package runs one step a call.

    Raises:
      ValueError: from `fit`, as above.

    Example:

    >>> import keras, numpy as np
    >>> from tfflows.callbacks import NanGuard
    >>> root = keras.layers.Activation(keras.ops.sqrt)
    >>> model = keras.Sequential([keras.layers.Dense(1, name="first"), root])
    >>> model.layers[0].build((None, 1))
    >>> model.layers[0].set_weights([np.ones([1, 1]), np.zeros([1])])
    >>> model.compile("sgd", "mse")  # the root of 0 is 0, its slope is not finite
    >>> try:
    ...     model.fit(np.zeros([4, 1]), np.ones([4, 1]), verbose=0, callbacks=[NanGuard()])
    ... except ValueError as error:
    ...     print("first" in str(error), model.layers[0].get_weights()[0].tolist())
    True [[1.0]]
    """

    def on_train_begin(self, logs=None):
        """Takes the first copy."""
        optimizer = self.model.optimizer
        if not optimizer.built and self.model.built:
            optimizer.build(self.model.trainable_variables)
        self._all_finite = tf.function(_all_finite)
        self._keep()

    def on_train_batch_end(self, batch, logs=None):
        """Stops, or takes a copy."""
        loss = (logs or {}).get("loss", 0.0)
        if not np.isfinite(loss) or not self._all_finite([v.value for v in self._floating()]):
            self._stop(loss)
        self._keep()

    def _keep(self):
        self._variables = [*self.model.weights, *self.model.optimizer.variables]
        self._good = [v.value.read_value() for v in self._variables]

    def _floating(self):
        return [v for v in self._variables if v.value.dtype.is_floating]

    def _stop(self, loss):
        bad = [v for v in self._floating() if not np.isfinite(v.value).all()]
        where = bad_gradients.of_weights(self.model, bad) if bad else "the loss alone"
        for variable, value in zip(self._variables, self._good):
            variable.assign(value)
        mark = step_checks.BAD_GRADIENT if np.isfinite(loss) else step_checks.BAD_LOSS
        if isinstance(self.model, PlannedModel):  # which knows the data, and says more
            raise tf.errors.InvalidArgumentError(None, None, f"{mark}: {where}")
        what = "A gradient" if np.isfinite(loss) else "The loss"
        raise ValueError(
            f"{what} is not finite: training stopped with the weights of before that step. Received: NaN or infinite "
            f"values in {where}"
        )


def _all_finite(values):
    return tf.reduce_all([tf.reduce_all(tf.math.is_finite(value)) for value in values])
