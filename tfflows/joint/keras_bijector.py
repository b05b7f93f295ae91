"""A TFP bijector whose weights are Keras weights."""

import contextlib
import copy
import warnings

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from keras.src.backend.common import global_state

from tfflows.joint import answers, trainable

tfb = tfp.bijectors


class KerasBijector(tfb.Bijector):
    """A `tfb.Bijector` whose weights are Keras weights.

    Subclasses write two methods, each one pass of the conditioner, both with the log-det in the last place:

    * `forward_and_log_det(x, context=None) -> (y, log|det dy/dx|)`
    * `inverse_and_log_det(y, context=None) -> (x, log|det dx/dy|)`

    Log-dets have the full batch shape `x.shape[:-forward_min_event_ndims]`. Weights come from `add_weight` (own) and
    `track_layer` (an injected, built layer); both are seen by `bijector.trainable_variables`, Keras and checkpoints.

    Two bijectors are equal only if they are the same object. `copy()` shares the weights, as TFP's bijectors share
    the variables they were given; `copy.deepcopy` clones them.

    Every one refuses events that are not in float32 or float64 (`TypeError`) or not of its shape (`ValueError`). Three
    arguments mean the same wherever they occur:

    * `dtype`: "float32" or "float64", of the weights; events of either dtype are accepted;
    * `seed`: int, of the initial weights that are random, or `None` for one from Keras's global generator;
    * `name`: str.

    Args:
      forward_min_event_ndims: int, rank of the event.
      event_shape: shape that every event must have, or `None` for any; entries may be `None`.
      parameters: the constructor's arguments, `dict(locals())`, from which copies are made and models saved.
      name: str, name of the bijector; that among the `parameters` by default.
    """

    _TF_MODULE_IGNORED_PROPERTIES = tfb.Bijector._TF_MODULE_IGNORED_PROPERTIES.union(("_answers", "_keras_layers"))

    def __init__(self, *, forward_min_event_ndims, parameters, event_shape=None, name=None, **kwargs):
        name = parameters.get("name") if name is None else name
        super().__init__(forward_min_event_ndims=forward_min_event_ndims, parameters=parameters, name=name, **kwargs)
        self._required_event_shape = None if event_shape is None else tf.TensorShape(event_shape)
        self._answers = self._no_dependency({})
        self._keras_layers = self._no_dependency(())
        self._own_layer = None
        self._tf_variables = []
        self._warned = False

    # True where bijectors among the constructor's arguments are only patterns, whose weights must stay unseen.
    parameters_are_templates = False

    registry = {}  # of all subclasses that imported modules define, by the name under which saved models refer to them

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.parameters_are_templates:
            cls._TF_MODULE_IGNORED_PROPERTIES = cls._TF_MODULE_IGNORED_PROPERTIES.union(("_parameters",))
        KerasBijector.registry[cls.registered_name()] = cls

    @classmethod
    def registered_name(cls):
        """The name under which saved models refer to this class: package and class."""
        return f"{cls.__module__.partition('.')[0]}>{cls.__name__}"

    # -- subclass interface ------------------------------------------------------------------------------------
    def forward_and_log_det(self, x, context=None):
        raise NotImplementedError(f"{type(self).__name__} must define forward_and_log_det")

    def inverse_and_log_det(self, y, context=None):
        raise NotImplementedError(f"{type(self).__name__} must define inverse_and_log_det")

    def adapt(self, y, context=None):
        """Initialises the data-dependent weights from data, unless that was done before; returns `inverse(y)`.

        Args:
          y: events `[batch, *event_shape]`, at least one.
          context: `Tensor`, as for `inverse`, or `None`.

        Raises:
          ValueError: an empty or non-finite batch, where there is something to initialise.
        """
        y = tf.convert_to_tensor(y)
        self.check_input(y)
        if not self.adapted:
            self.initialise_from(y, context)
        return self.inverse_and_log_det(y, context=context)[0]

    def initialise_from(self, y, context):
        """Sets the data-dependent weights: what `adapt` calls, once. Here there are none."""

    @property
    def adapted(self):
        """Whether every data-dependent weight is initialised; a bijector without any always is."""
        return True

    def fresh_weights(self, seed):
        """Pairs `(own weight, value)`: the initial values that another `seed` would have given, where they are random.

        `Repeated` asks, to let many steps start from one.
        """
        weights = [(getattr(self, name), value) for name, value in self.random_weights(seed).items()]
        return [(weight, tf.constant(value, weight.dtype)) for weight, value in weights]

    def random_weights(self, seed):
        """Arrays: the initial values of the weights that start at random, by attribute. Here there are none."""
        return {}

    def add_weight(self, *, name, shape=None, initializer="zeros", value=None, dtype=None, trainable=True):
        """A Keras weight of this bijector, kept in float32 (or `dtype`) under every precision policy.

        With a `value`, an array, it starts as that and has its shape.
        """
        if value is not None:
            shape, initializer = np.shape(value), lambda shape, dtype: tf.constant(value, dtype)
        if self._own_layer is None:
            self._own_layer = keras.layers.Layer(name=self.name, dtype="float32", autocast=False)
            self._own_layer.built = True
        weight = self._own_layer.add_weight(
            name=name, shape=shape, initializer=initializer, dtype=dtype, trainable=trainable, autocast=False
        )
        self.track_layer(self._own_layer)
        return weight

    def track_layer(self, layer):
        """Shows the weights of a built Keras layer to TFP and this bijector's model; returns the layer."""
        if not isinstance(layer, keras.Layer):
            raise TypeError(f"{type(self).__name__} needs a Keras layer. Received: {type(layer).__name__}")
        unbuilt = [each.name for each in layer._flatten_layers() if not each.built]
        if unbuilt:
            raise ValueError(
                f"{type(self).__name__} needs a built layer, so that every weight exists before training. "
                f"Received: {layer.name} with unbuilt layers {unbuilt}"
            )
        layers = [each for each in self._keras_layers if each is not layer] + [layer]
        self._keras_layers = self._no_dependency(tuple(layers))
        trainable.show(layer.variables)
        self._tf_variables = [v.value for each in layers for v in each.variables]
        return layer

    def check_input(self, x):
        """Refuses a tensor that is not an event in float32 or float64 of the right rank."""
        if x.dtype not in (tf.float32, tf.float64):
            raise TypeError(f"{self.name} works in float32 or float64. Received: dtype {x.dtype.name}")
        rank, wanted = self.forward_min_event_ndims, self._required_event_shape
        if x.shape.rank is None or x.shape.rank < rank:
            raise ValueError(f"{self.name} expects events of rank {rank} or more. Received: shape {x.shape}")
        if wanted is not None and not wanted.is_compatible_with(x.shape[x.shape.rank - rank :]):
            raise ValueError(f"{self.name} expects events of shape {wanted}. Received: shape {x.shape}")
        self._warn_of_second_derivatives(x)

    def _warn_of_second_derivatives(self, x):
        """Says once which layers have wrong ones, where they may be asked for."""
        if self._warned or not answers.taped():
            return
        held = [each for layer in self._keras_layers for each in _holding_the_mean(layer)]
        if held and answers.taped_twice([x, *self.weights]):
            self._warned = True
            warnings.warn(
                f"Second derivatives through {', '.join(each.name for each in held)} of {self.name} are wrong: "
                "TensorFlow holds the mean constant in the variance of layer and group normalization. First "
                "derivatives are right. keras.layers.RMSNormalization is right in both.",
                stacklevel=2,
            )

    # -- what TFP and Keras ask --------------------------------------------------------------------------------
    @property
    def keras_layers(self):
        """The Keras layers whose weights this bijector itself uses (those of nested bijectors are theirs)."""
        return self._keras_layers

    @property
    def weights(self):
        """All weights, nested bijectors' included, as Keras or TensorFlow variables."""
        return [v for layer in self.keras_layers for v in layer.variables]

    def in_forward_mode(self, x, context=None):
        """Whether forward-mode differentiation follows an event, a context or a weight: no loop of TensorFlow's does.

        (Neither `tf.TensorArray` nor the gradient of `tf.while_loop` can be differentiated so in a function.)
        """
        return answers.in_forward_mode([x, *self.weights, *([] if context is None else [context])])

    def writes_out(self, steps, x, context=None):
        """Whether a loop of so many steps is to be written out: in forward mode, or where Jacobians may be asked for.

        That is where several gradient tapes, or a persistent one, record an event or a context, and steps are few:
        TensorFlow takes ten times as long, seconds, to vectorise the gradient of a loop.
        """
        recorded = [x, *([] if context is None else [context])]
        few = steps <= 16 and answers.taped() and answers.taped_twice(recorded)
        return few or self.in_forward_mode(x, context)

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        # Checkpoints see the variables themselves: Keras layers hide from them what they hold in lists.
        children = super()._trackable_children(save_type, **kwargs)
        return {k: v for k, v in children.items() if not isinstance(v, (keras.layers.Layer, keras.Variable))}

    @property
    def _cache(self):
        return answers.Answers(self, self._answers)

    def _forward(self, x, **kwargs):
        return self._cache.forward(x, **kwargs)

    def _inverse(self, y, **kwargs):
        return self._cache.inverse(y, **kwargs)

    def _inverse_log_det_jacobian(self, y, **kwargs):
        return self._cache.inverse_attributes(y, **kwargs)["ildj"]

    def _forward_log_det_jacobian(self, x, **kwargs):
        return -self._cache.forward_attributes(x, **kwargs)["ildj"]

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}

    def _get_parameterization(self):
        return id(self)

    def __eq__(self, other):
        return self is other

    __hash__ = tfb.Bijector.__hash__

    def copy(self, **overrides):
        """A bijector with the same weights, and other constructor arguments where given."""
        if not overrides:
            return copy.copy(self)
        return type(self)(**{**self.parameters, **overrides})._assigned(self)

    def __copy__(self):
        new = object.__new__(type(self))
        new.__dict__.update(self.__dict__)
        new._answers = new._no_dependency({})
        return new

    def __deepcopy__(self, memo):
        new = memo[id(self)] = type(self)(**{name: clone(value, memo) for name, value in self.parameters.items()})
        return new._assigned(self)

    def _assigned(self, other):
        """This bijector, its own weights set to those of `other`, of the same class."""
        if self._own_layer is not None:
            for variable, source in zip(self._own_layer.variables, other._own_layer.variables, strict=True):
                variable.assign(source.value)
        return self


def _holding_the_mean(layer):
    kinds = keras.layers.LayerNormalization, keras.layers.GroupNormalization
    return [each for each in layer._flatten_layers() if isinstance(each, kinds)]


@contextlib.contextmanager
def outside_scratch_graphs():
    """Inside, weights are made at once, also while Keras builds a model that was never called in a scratch graph."""
    scope = global_state.get_global_attribute("stateless_scope")
    global_state.set_global_attribute("stateless_scope", None)
    try:
        with tf.init_scope():
            yield
    finally:
        global_state.set_global_attribute("stateless_scope", scope)


def clone(value, memo):
    """A deep copy in which Keras layers keep their trained weights."""
    if isinstance(value, keras.layers.Layer):
        if id(value) not in memo:
            new = type(value).from_config(value.get_config())
            if not new.built and value.get_build_config():
                new.build_from_config(value.get_build_config())
            new.set_weights(value.get_weights())
            memo[id(value)] = new
        return memo[id(value)]
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(clone(each, memo) for each in value)
    return copy.deepcopy(value, memo)
