"""A step of training under XLA, which drops assertions: once a loss is not finite, none writes a weight."""

import keras
import tensorflow as tf


def train_step(model, data):
    """Keras's step on one device, that leaves the weights and the optimizer from the first bad loss of an epoch on.

    So it leaves what the forward pass itself writes: statistics of batch normalization, states of seeds.

    Args:
      model: compiled Keras model with weights to train, its optimizer built.
      data: Keras's `(x, y, sample_weight)`.
    """
    others = [v for layer in model._flatten_layers() for v in layer._trainable_variables]  # frozen: none writes them
    others = {id(v) for v in (*others, *model.metrics_variables)}
    states = [v.value for v in model.non_trainable_variables if id(v) not in others]
    states_before = [v.read_value() for v in states]
    x, y, weights = keras.utils.unpack_x_y_sample_weight(data)
    with tf.GradientTape() as tape:
        y_pred = model(x, training=True)
        loss = model.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=weights, training=True)
        model._loss_tracker.update_state(loss, sample_weight=tf.shape(keras.tree.flatten(x)[0])[0])
        scaled = model.optimizer.scale_loss(loss)
    variables, sound = model.trainable_weights, tf.math.is_finite(model._loss_tracker.total)
    written = [v.value for v in (*variables, *model.optimizer.variables)]
    before = [v.read_value() for v in written] + states_before
    model.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
    # XLA joins it to the update: a `tf.cond` is slower.
    for variable, value in zip(written + states, before, strict=True):
        variable.assign(tf.where(sound, variable.read_value(), value))
    return model.compute_metrics(x, y, y_pred, sample_weight=weights)
