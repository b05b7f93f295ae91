"""The joint between Keras 3 and TensorFlow Probability: everything that must know both worlds' insides.

TFP bijectors are `tf.Module`s and see `tf.Variable`s; Keras models see `keras.Variable`s and layers. Here

* `KerasBijector` is a `tfb.Bijector` whose weights live in Keras layers and are shown to both worlds, and whose value
  and log-det come from one pass;
* `adopt` finds every weight of any tree of bijectors and distributions, wraps raw `tf.Variable`s for Keras, and
  shows Keras layers held by native TFP bijectors to TFP; `audit` checks that both worlds then see the same;
* `context_kwargs` routes a context through native compositions.

TFP's private names appear in this file only.
"""

import contextlib
import copy

import keras
import tensorflow as tf
import tensorflow_probability as tfp
from keras.src.backend.common import global_state
from tensorflow.python.eager.record import VariableWatcher

from tfflows import answers
from tfflows.ops import shapes

tfb = tfp.bijectors
tfd = tfp.distributions


class KerasBijector(tfb.Bijector):
    """A `tfb.Bijector` whose weights are Keras weights.

    Subclasses write two methods, each one pass of the conditioner, both with the log-det in the last place:

    * `forward_and_log_det(x, context=None) -> (y, log|det dy/dx|)`
    * `inverse_and_log_det(y, context=None) -> (x, log|det dx/dy|)`

    Log-dets have the full batch shape `x.shape[:-forward_min_event_ndims]`. Weights come from `add_weight` (own) and
    `track_layer` (an injected, built layer); both are seen by `bijector.trainable_variables`, Keras and checkpoints.

    Two bijectors are equal only if they are the same object. `copy()` shares the weights, as TFP's bijectors share
    the variables they were given; `copy.deepcopy` clones them.

    Args:
      forward_min_event_ndims: int, rank of the event.
      event_shape: shape that every event must have, or `None` for any; entries may be `None`.
      parameters: the constructor's arguments, `dict(locals())`, from which copies are made and models saved.
      name: str, name of the bijector.
    """

    _TF_MODULE_IGNORED_PROPERTIES = tfb.Bijector._TF_MODULE_IGNORED_PROPERTIES.union(("_answers", "_keras_layers"))

    def __init__(self, *, forward_min_event_ndims, parameters, event_shape=None, name=None, **kwargs):
        super().__init__(forward_min_event_ndims=forward_min_event_ndims, parameters=parameters, name=name, **kwargs)
        self._required_event_shape = None if event_shape is None else tf.TensorShape(event_shape)
        self._answers = answers.Store()
        self._keras_layers = self._no_dependency(())
        self._own = None
        self._tf_variables = []

    # Set where bijectors among the constructor's arguments are patterns only: nobody else shall see their weights.
    parameters_are_templates = False

    _registry = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if cls.parameters_are_templates:
            cls._TF_MODULE_IGNORED_PROPERTIES = cls._TF_MODULE_IGNORED_PROPERTIES.union(("_parameters",))
        KerasBijector._registry[cls.registered_name()] = cls

    @classmethod
    def registered_name(cls):
        """The name under which saved models refer to this class: package and class."""
        return f"{cls.__module__.partition('.')[0]}>{cls.__name__}"

    @staticmethod
    def registered_class(name):
        """The class of that name, or `None` when no imported module defines it."""
        return KerasBijector._registry.get(name)

    # -- subclass interface ------------------------------------------------------------------------------------
    def forward_and_log_det(self, x, context=None):
        raise NotImplementedError(f"{type(self).__name__} must define forward_and_log_det")

    def inverse_and_log_det(self, y, context=None):
        raise NotImplementedError(f"{type(self).__name__} must define inverse_and_log_det")

    def adapt(self, y, context=None):
        """Initialises data-dependent weights from data `y`; returns `inverse(y)`. Here there are none."""
        return self.inverse_and_log_det(y, context=context)[0]

    @property
    def adapted(self):
        """Whether every data-dependent weight is initialised; a bijector without any always is."""
        return True

    def fresh_weights(self, seed):
        """Pairs `(own weight, value)`: the initial values that another `seed` would have given, where they are random.

        `Repeated` asks, to let many steps start from one. Here nothing is random.
        """
        return []

    def add_weight(self, *, name, shape, initializer="zeros", dtype=None, trainable=True):
        """A Keras weight of this bijector, kept in float32 (or `dtype`) under every precision policy."""
        if self._own is None:
            self._own = keras.layers.Layer(name=self.name, dtype="float32", autocast=False)
            self._own.built = True
            self.track_layer(self._own)
        weight = self._own.add_weight(
            name=name, shape=shape, initializer=initializer, dtype=dtype, trainable=trainable, autocast=False
        )
        self.track_layer(self._own)
        return weight

    def track_layer(self, layer):
        """Shows the weights of a built Keras layer to TFP and this bijector's model; returns the layer."""
        unbuilt = [each.name for each in layer._flatten_layers() if not each.built]
        if unbuilt:
            raise ValueError(
                f"{type(self).__name__} needs a built layer, so that every weight exists before training. "
                f"Received: {layer.name} with unbuilt layers {unbuilt}"
            )
        layers = [each for each in self._keras_layers if each is not layer] + [layer]
        self._keras_layers = self._no_dependency(tuple(layers))
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

    # -- what TFP and Keras ask --------------------------------------------------------------------------------
    @property
    def keras_layers(self):
        """The Keras layers whose weights this bijector itself uses (those of nested bijectors are theirs)."""
        return self._keras_layers

    @property
    def weights(self):
        """All weights, nested bijectors' included, as Keras or TensorFlow variables."""
        return [v for layer in self.keras_layers for v in layer.variables]

    def _trackable_children(self, save_type="checkpoint", **kwargs):
        # Checkpoints see the variables themselves: Keras layers hide from them what they hold in lists.
        children = super()._trackable_children(save_type, **kwargs)
        return {k: v for k, v in children.items() if not isinstance(v, (keras.layers.Layer, keras.Variable))}

    @property
    def _cache(self):
        return answers.Answers(self, self._answers.pairs)

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
        new._answers = answers.Store()
        return new

    def __deepcopy__(self, memo):
        new = memo[id(self)] = type(self)(**{name: clone(value, memo) for name, value in self.parameters.items()})
        return new._assigned(self)

    def _assigned(self, other):
        """This bijector, its own weights set to those of `other`, of the same class."""
        if self._own is not None:
            for mine, theirs in zip(self._own.variables, other._own.variables, strict=True):
                mine.assign(theirs.value)
        return self


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


def keras_layers_of(root):
    """Every Keras layer held anywhere in a tree of bijectors and distributions, in a fixed order, each once."""
    layers = {}
    for module in (root, *root.submodules):
        held = module.keras_layers if isinstance(module, KerasBijector) else _held(list(vars(module).values()))
        layers.update((id(layer), layer) for layer in held)
    return list(layers.values())


def weights_of(root):
    """Every weight of a tree of bijectors: those of its Keras layers, then raw `tf.Variable`s of native parts."""
    weights = [v for layer in keras_layers_of(root) for v in layer.variables]
    owned = {id(v.value) for v in weights}
    return weights + [v for v in root.variables if id(v) not in owned]


def _held(value):
    """Keras layers in an attribute, or in lists, tuples and dicts of it."""
    if isinstance(value, keras.layers.Layer):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [layer for each in value for layer in _held(each)] if isinstance(value, (list, tuple)) else []


class AdoptedVariables(keras.layers.Layer):
    """Shows `tf.Variable`s of native TFP objects to Keras: the same variables, no copies."""

    def __init__(self, variables, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.adopted = [
            keras.Variable(variable, trainable=variable.trainable, autocast=False, name=f"variable_{i}")
            for i, variable in enumerate(variables)
        ]
        self.built = True


def adopt(root):
    """Makes every weight of a tree of TFP bijectors or distributions, `root`, visible to both worlds.

    Returns:
      The Keras layers that hold all its weights, raw `tf.Variable`s included.

    Raises:
      ValueError: a layer in the tree is not built.
    """
    layers = keras_layers_of(root)
    for layer in layers:
        unbuilt = [each.name for each in layer._flatten_layers() if not each.built]
        if unbuilt:
            raise ValueError(f"Every layer of a flow must be built. Received: {layer.name} with unbuilt {unbuilt}")
    for module in (root, *root.submodules):
        if not isinstance(module, KerasBijector):
            held = _held(list(vars(module).values()))
            if held:
                module._keras_weights = [v.value for each in held for v in each.variables]
    raw = [v for v in weights_of(root) if isinstance(v, tf.Variable)]
    return [*layers, AdoptedVariables(raw, name="tfp_variables")] if raw else layers


def audit(variables, root, used=()):
    """Checks that Keras and TFP see the same weights.

    Args:
      variables: the Keras variables that a model sees of the distribution it holds.
      root: that distribution.
      used: `tf.Variable`s that a log-probability was seen to read.

    Raises:
      ValueError: naming every weight that one side misses.
    """
    keras_sees = {id(v.value): v.path for v in variables}
    tfp_sees = {id(v): v.name for v in root.variables}
    reads = {id(v): v.name for v in used}
    missing = {
        "seen by TFP but not by Keras": sorted(n for i, n in tfp_sees.items() if i not in keras_sees),
        "seen by Keras but not by TFP": sorted(n for i, n in keras_sees.items() if i not in tfp_sees),
        "read by log_prob but seen by neither": sorted(
            n for i, n in reads.items() if i not in keras_sees and i not in tfp_sees
        ),
    }
    if any(missing.values()):
        found = "; ".join(f"{what}: {names}" for what, names in missing.items() if names)
        raise ValueError(
            "Every weight of a flow must be seen by Keras and by TFP alike, else it is not trained or not saved. "
            f"Received a flow with weights {found}. A layer hidden in a function or closure is the usual cause: "
            "pass the layer itself, or write a tfflows.bridge.KerasBijector."
        )


def variables_read():
    """A context manager whose `watched_variables()` are the trainable variables that were read inside."""
    # A gradient tape tells the same, and makes every function that is called build its gradient.
    return VariableWatcher()


def unadapted(root):
    """The tfflows bijectors in a tree whose data-dependent weights are not initialised; one speaks for all in it."""
    if isinstance(root, KerasBijector):
        return [] if root.adapted else [root]
    return [m for m in root.submodules if isinstance(m, KerasBijector) and not m.adapted]


def adapt(bijector, y, context):
    """Initialises the data-dependent weights below `bijector`, from the data end inwards; returns `inverse(y)`.

    Raises:
      ValueError: some are inside a native bijector other than a chain, where what they see of the data is not known.
    """
    if isinstance(bijector, KerasBijector):
        return bijector.adapt(y, context=context)
    links = getattr(bijector, "bijectors", None)
    if type(bijector).__name__.lstrip("_") == "Chain":
        for link in links:
            y = adapt(link, y, context)
        return y
    waiting = [each.name for each in unadapted(bijector)]
    if waiting:
        raise ValueError(
            "Data-dependent bijectors adapt alone, in a tfflows Chain or in a tfb.Chain. "
            f"Received: {waiting} inside {type(bijector).__name__}; call their `adapt` yourself"
        )
    return bijector.inverse(tf.identity(y), **context_kwargs(bijector, context))


def evaluate(bijector, x, ndims, context, *, forward):
    """Value and log-det of any bijector in one pass: the link of a composition.

    Args:
      bijector: tfflows or native bijector.
      x: `Tensor`, input of the direction wanted.
      ndims: int, rank of the event of `x`, at least the bijector's own.
      context: `Tensor` or `None`; native bijectors without tfflows bijectors inside receive none.
      forward: bool, the direction.

    Returns:
      The value, its log-det over `ndims` event axes, and the rank of the event of the value.
    """
    after = bijector.forward_event_ndims(ndims) if forward else bijector.inverse_event_ndims(ndims)
    if isinstance(bijector, KerasBijector):
        bijector.check_input(x)
        y, log_det = (bijector.forward_and_log_det if forward else bijector.inverse_and_log_det)(x, context=context)
        least = bijector.forward_min_event_ndims if forward else bijector.inverse_min_event_ndims
        return y, shapes.sum_event(log_det, ndims - least), after
    kwargs = context_kwargs(bijector, context)
    x = tf.identity(x)  # a tensor that TFP's cache has not seen: no answer from before a weight update
    if forward:
        return bijector.forward(x, **kwargs), bijector.forward_log_det_jacobian(x, ndims, **kwargs), after
    return bijector.inverse(x, **kwargs), bijector.inverse_log_det_jacobian(x, ndims, **kwargs), after


def context_kwargs(bijector, context):
    """Keyword arguments that carry `context` to every `KerasBijector` below `bijector`.

    TFP's compositions hand keyword arguments on by the name of the link; other native bijectors get none.
    """
    if context is None:
        return {}
    if isinstance(bijector, KerasBijector):
        return {"context": context}
    if isinstance(bijector, tfb.Composition):
        links = {link.name: context_kwargs(link, context) for link in tf.nest.flatten(bijector.bijectors)}
        return {name: kwargs for name, kwargs in links.items() if kwargs}
    if hasattr(bijector, "bijector"):
        return context_kwargs(bijector.bijector, context)
    return {}
