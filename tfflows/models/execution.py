"""Many training steps in one call of a compiled function."""

import tensorflow as tf


def counted_train_function(model, num_batches):
    """A train function for `model.fit` that runs `model.steps_per_execution` steps between returns to Python.

    Keras's own asks its iterator before every step whether there is another batch, which costs a small flow a tenth
    of its time. Here the number of batches in an epoch is known.

    Args:
      model: compiled Keras model, not distributed and without XLA; `train_step` keeps its logs in the model's metrics.
      num_batches: function that returns the number of batches of the epoch.

    Returns:
      Function of an iterator, called until it raises `StopIteration`; each call returns the metrics so far.
    """
    position = {"iterator": None, "done": 0}

    @tf.function(autograph=False)
    def run(iterator, count):
        def body(i):
            model.train_step(iterator.get_next())
            return i + 1

        tf.while_loop(lambda i: i < count, body, [tf.constant(0)], parallel_iterations=1)
        return model.get_metrics_result()

    def train_function(iterator):
        if iterator is not position["iterator"]:
            position.update(iterator=iterator, done=0)
        count = min(model.steps_per_execution, num_batches() - position["done"])
        if count <= 0:
            raise StopIteration
        position["done"] += count
        return run(iterator, tf.constant(count))

    return train_function
