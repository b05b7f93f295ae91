"""Functions as a SavedModel."""

import tensorflow as tf

DRAWN = -1  # both numbers of the seed that stands for none: any other may be asked for


def save(functions, variables, path, signatures):
    """Writes `{name: tf.function}` as a SavedModel, whose attributes they are; so are `signatures`, by their names.

    `variables` are the Keras variables that the functions read.
    """
    module = tf.Module()
    module.held_variables = [v.value for v in variables]
    for name, function in functions.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(path), signatures=dict(signatures))


def seed_of(seed):
    """The seed that an endpoint was given, or where it was given none, one from the generator of the process."""
    # Of no op seed: one set while exporting (`keras.utils.set_random_seed`) would make every process draw alike.
    drawn = tf.raw_ops.RandomUniformInt(shape=[2], minval=0, maxval=2**31 - 1, seed=0, seed2=0)
    return tf.where(tf.reduce_all(tf.equal(seed, DRAWN)), drawn, seed)
