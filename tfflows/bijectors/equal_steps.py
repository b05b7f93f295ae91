"""What makes steps equal, and what distinguishes them: one structure, and the initial weights of each."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors.chain import Chain
from tfflows.joint import KerasBijector, serialization
from tfflows.joint.weights import keras_layers_of

tfb = tfp.bijectors

_CHANGING = (keras.layers.BatchNormalization, keras.layers.SpectralNormalization)
_ELEMENTWISE = (keras.regularizers.L1, keras.regularizers.L2, keras.regularizers.L1L2)


def structure_and_weights(step, num_repeats, seed):
    """The structure of steps, a `KerasBijector`, its Keras weights, and for each of them an array of values `[K, ...]`.

    For the arguments, and what is refused, see `Repeated`.
    """
    steps, repeats = _steps_and_repeats(step, num_repeats, seed)
    columns = [weights_of_step(each) for each in steps]
    template, variables = steps[0], columns[0]
    _check_template(template, variables)
    _check_alike(steps, columns)
    with tf.init_scope():
        values = [np.repeat(v.value.numpy()[None], repeats, axis=0) for v in variables]
        for i in range(repeats):  # one after the other: all of them at once would be a second copy of everything
            if len(columns) > 1:
                drawn = {id(v): own.value for v, own in zip(variables, columns[i])}
            else:
                drawn = {} if seed is None else fresh_weights(template, (seed, i))
            for all_, v in zip(values, variables):
                if id(v) in drawn:
                    all_[i] = drawn[id(v)]
    return template, variables, values


def fresh_weights(step, seed):
    """Other initial values for the weights of a step that start at random, by the `id` of the variable.

    Keras layers say how a weight `w` is drawn in their attribute `w_initializer`, bijectors in `fresh_weights`.
    The seed is a tuple of ints.
    """
    values, rng = {}, np.random.default_rng(seed)
    for module in (step, *step.submodules):
        if isinstance(module, KerasBijector):
            values.update((id(v), value) for v, value in module.fresh_weights(int(rng.integers(2**31))))
    for layer in _layers(step):
        for variable in layer.weights:
            initializer = getattr(layer, f"{variable.name}_initializer", None)
            config = initializer.get_config() if isinstance(initializer, keras.initializers.Initializer) else {}
            if "seed" in config and id(variable) not in values:
                initializer = type(initializer).from_config({**config, "seed": int(rng.integers(2**31))})
                values[id(variable)] = initializer(variable.shape, dtype=variable.dtype)
    return values


def _steps_and_repeats(step, num_repeats, seed):
    """The steps that are given, `K` or one, and `K`."""
    alone = isinstance(step, tfb.Bijector)
    given = list(step) if isinstance(step, (list, tuple)) else [step]
    others = [each for each in given if not isinstance(each, tfb.Bijector)]
    if others:
        raise TypeError(f"Every step must be a tfp.bijectors.Bijector. Received: {others}")
    if seed is not None and (not isinstance(seed, int) or seed < 0 or not alone):
        raise ValueError(f"`seed` is an integer of at least 0, for one step. Received: {seed!r} and {step}")
    if alone and (not isinstance(num_repeats, int) or num_repeats < 1):
        raise ValueError(f"One step needs `num_repeats`, an integer of at least 1. Received: {num_repeats!r}")
    if not alone and (not given or num_repeats not in (None, len(given))):
        raise ValueError(
            "A sequence holds at least one step and is its own number of repeats. "
            f"Received: {len(given)} steps and num_repeats={num_repeats}"
        )
    steps = [each if isinstance(each, KerasBijector) else Chain([each]) for each in given]
    return steps, num_repeats if alone else len(given)


def _check_template(step, weights):
    if step.forward_min_event_ndims != step.inverse_min_event_ndims:
        raise ValueError(
            "A repeated step must keep the shape of its events. Received: event rank "
            f"{step.forward_min_event_ndims} becomes {step.inverse_min_event_ndims}"
        )
    owned = {id(v.value) for v in weights}
    if raw := [v.name for v in step.variables if id(v) not in owned]:
        raise ValueError(
            "The weights of a repeated step must be Keras weights, as tfflows bijectors and Keras layers have. "
            f"Received: tf.Variables {raw}"
        )
    changing = [
        each for each in _layers(step) if isinstance(each, _CHANGING) or len(each.variables) > len(each.weights)
    ]
    if changing:
        inner = changing[-1]
        raise ValueError(
            "A repeated step is evaluated again for its gradient, so its layers must not be random and must not "
            f"change when they are evaluated. Received: {type(inner).__name__} {inner.name!r}"
        )
    for v in weights:
        if v.constraint is not None or not isinstance(v.regularizer, (type(None), *_ELEMENTWISE)):
            raise ValueError(
                "Weights of a repeated step may have L1 and L2 regularizers and no constraints. "
                f"Received: {v.path} with {v.regularizer} and {v.constraint}"
            )


def _check_alike(steps, columns):
    """Refuses steps that differ in more than the values of their weights."""
    first = serialization.serialize(steps[0]) if len(steps) > 1 else None
    for i, step in enumerate(steps[1:], start=1):
        difference = serialization.difference(first, serialization.serialize(step))
        specs = [[(tuple(v.shape), v.dtype, v.trainable) for v in columns[j]] for j in (0, i)]
        if difference is None and specs[0] != specs[1]:
            unlike = next((pair for pair in zip(*specs) if pair[0] != pair[1]), tuple(map(len, specs)))
            difference = "weights: {} and {}".format(*unlike)
        if difference is not None:
            raise ValueError(
                f"Repeated steps must differ in the values of their weights only. Received: steps 0 and {i} differ in "
                f"{difference}"
            )
    owners = [id(v) for column in columns for v in column]
    if len(set(owners)) < len(owners):
        raise ValueError(
            "Every repeated step needs weights of its own. Received: steps that share weights; one step with "
            "`num_repeats` makes repeats that start equal"
        )


def _layers(step):
    """The Keras layers of a step, and those inside them."""
    return [each for layer in keras_layers_of(step) for each in layer._flatten_layers()]


def weights_of_step(step):
    """The Keras weights of a step, each once, in a fixed order."""
    return list({id(v): v for layer in keras_layers_of(step) for v in layer.variables}.values())
