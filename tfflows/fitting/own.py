"""What a flow is compiled with: losses and metrics of one's own, in the dtype of its densities; optimizers."""

import math
import warnings

import keras

from tfflows import bijectors

_SCALE_OF_ONE_ENTRY = 2048  # of the loss in float16, at the start: with it a Glow of digits skips no step


def check(loss, **metrics):
    """Refuses losses and metrics of Keras, by name or made: they compare predictions with targets.

    Raises:
      ValueError: naming the argument.
    """
    asked = [("loss", each) for each in keras.tree.flatten(loss)]
    asked += [(name, each) for name, given in metrics.items() for each in keras.tree.flatten(given)]
    for name, each in asked:
        found = each
        if isinstance(each, str):
            found = keras.losses.get(each) if name == "loss" else keras.metrics.get(each)
        where = getattr(found, "__module__", "")
        if each is not None and where.startswith("keras.") and type(found) is not keras.metrics.MeanMetricWrapper:
            raise ValueError(
                f"`{name}` of a density is given events as `y_true` and their log-probabilities as `y_pred`, which "
                f"{getattr(found, 'name', each)!r} would compare; the default is tfflows.losses.NegativeLogLikelihood, "
                f"metrics are in tfflows.metrics. Received: {name}={each!r}"
            )


def keep_dtype(model, dtype):
    """Has a compiled model add up its losses in a dtype, where Keras takes its `floatx`."""
    if model._loss_tracker.dtype != dtype:
        vars(model)["_loss_tracker"] = keras.metrics.Mean(name="loss", dtype=dtype)  # past Keras, which tracks it not
    if model._compile_loss is not None:
        model._compile_loss._dtype = dtype


def loss_scale(event_shape):
    """The scale of the loss in float16 with which training starts, a power of 2.

    Nats, and so their gradients, grow with the entries of an event. Keras starts with 32,768 for any model, and skips
    every step in which a gradient overflows, halving the scale.
    """
    most = _SCALE_OF_ONE_ENTRY / max(1, math.prod(event_shape))
    return 2.0 ** max(0, math.floor(math.log2(most)))


def warn_of_stacks(optimizer, bijector):
    """Warns where Muon, which is for matrices, would take stacked vectors for such and stacked matrices for none."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    if not isinstance(optimizer, keras.optimizers.Muon):
        return
    for part in (bijector, *bijector.submodules):
        if isinstance(part, bijectors.Repeated) and not all(map(optimizer._should_use_adamw, part.weights)):
            warnings.warn(
                f"Muon takes the stacked biases of {part.name!r} for matrices, and its stacked matrices for none: give "
                f"all of them to Adam with Muon(exclude_layers=[{part.name!r}]), or make a Chain of the steps",
                stacklevel=3,
            )
