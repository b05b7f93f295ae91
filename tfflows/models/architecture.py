"""What the architectures share: a constructor made of options, and from it signature, documentation and config."""

import inspect
import types

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import arguments, bijectors, layers
from tfflows.fitting import call_inputs, own
from tfflows.joint import bounded, configs, kept
from tfflows.models import latents
from tfflows.models import options as tables
from tfflows.models.flow_model import FlowModel
from tfflows.ops import seeds

tfd = tfp.distributions

_SHAPES = ("event_shape", "image_shape")
_KINDS = {1: "vectors", 3: "images"}
_NOT_ATTRIBUTES = {*_SHAPES, "name", "dtype", "context_size", "num_classes", "dequantization"}  # FlowModel's own


class Architecture(FlowModel):
    """Base of flows that are made from options, once the shape of an event is known.

    A subclass holds the table `options`, by name and in the order of the signature, the shape of an event first, and
    writes `links`, or the hooks of `FlowModel`. From the table follow its constructor with its signature, the arguments
    in its docstring (before `Raises:`), an attribute for each option, and the config. With a shape the flow is built at
    once, else by the first `fit`; an option that does not exist for events of that shape is refused then.
    """

    options = {}

    log_prob, encode, decode = map(call_inputs.never_none, (FlowModel.log_prob, FlowModel.encode, FlowModel.decode))

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "options" in vars(cls):
            cls.__doc__ = tables.described(cls.__doc__, cls.options)
            if "__init__" not in vars(cls):
                cls.__init__ = _constructor(cls.options)

    def __init__(self, *args, **given):
        for name in given.keys() - self.options:
            raise TypeError(
                f"{type(self).__name__} takes {', '.join(self.options)}. Received: {name}={given[name]!r}."
                f"{arguments.did_you_mean(name, self.options)}"
            )
        given = inspect.Signature(tables.parameters(self.options)).bind(*args, **given).arguments
        values = {name: option.kept(name, given.get(name, option.default)) for name, option in self.options.items()}
        super().__init__(**{name: values[name] for name in ("context_size", "num_classes", "name", "dtype")})
        for name in values:
            if name not in _NOT_ATTRIBUTES:
                setattr(self, name, values[name])
        # Not a dict: Keras would look into it for layers.
        self._given, self._values = frozenset(given), types.MappingProxyType(values)
        self.check_options()
        shapes = {name: values[name] for name in _SHAPES if values.get(name) is not None}
        if len(shapes) > 1:
            received = ", ".join(f"{name}={shape}" for name, shape in shapes.items())
            raise ValueError(f"Give the shape of the events once. Received: {received}")
        for shape in shapes.values():
            self.build((None, *shape))

    def check_options(self):
        """Subclasses: refuse options, attributes by now, that do not go together. Here all do."""

    @classmethod
    def applicable(cls, values, event_shape):
        """Those of the options that exist for events of this shape, and what is no option of the class."""
        ndims = len(event_shape)
        others = {name for name, option in cls.options.items() if option.ndims not in (None, ndims)}
        if ndims != 3 and isinstance(values.get("dequantization"), str):  # a name is of images
            others.add("dequantization")
        return {name: value for name, value in values.items() if name not in others}

    def checked_shape(self, event_shape):
        fitting = self.applicable(self._values, event_shape)
        for name in sorted(self._given - fitting.keys()):
            raise ValueError(
                f"{type(self).__name__} of {_KINDS.get(len(event_shape), 'others')} takes {', '.join(fitting)}. "
                f"Received: {name}={self._values[name]!r} with events of shape {event_shape}"
            )
        return event_shape

    def make_dequantization(self, event_shape):
        kind = self._values.get("dequantization")
        if not isinstance(kind, str) or len(event_shape) != 3:
            return None if isinstance(kind, str) else kind
        given = {"kept_levels": self.kept_levels, "seed": self.seed}
        if kind == "uniform":
            return layers.UniformDequantization(self.discrete_levels, dtype=self.bijection_dtype.name, **given)
        return layers.VariationalDequantization(event_shape, self.discrete_levels, dtype=self.dtype_policy, **given)

    def links(self, event_shape):
        """Subclasses: the bijectors for this event shape, the one nearest to the data first."""
        raise NotImplementedError(f"{type(self).__name__} must define links")

    def make_distribution(self, event_shape):
        bijector = bijectors.Chain(self.links(event_shape), context_size=self.context_size)
        latent = self.latent(bijector.inverse_event_shape(event_shape))
        return tfd.TransformedDistribution(latent, bijector, name=self.name)

    def latent(self, event_shape):
        """The distribution of latents of that shape."""
        return latents.standard_normal(event_shape, self.bijection_dtype)

    def _variables_read_by(self, distribution):
        # Half the time of a constructor: not where everything is our own, which makes its weights at once, none hidden.
        own = getattr(self, "activation", keras.activations.relu) in vars(keras.activations).values()
        return () if own and type(self).__module__.startswith("tfflows.") else super()._variables_read_by(distribution)

    @property
    def bijection_dtype(self):
        """Dtype of everything but networks, a `tf.DType`; see `widened`."""
        return latents.dtype_of(self.dtype_policy)

    def widened(self):
        """Has events, latents and densities in float64 from now on, if vectors are standardised, and not yet.

        Weights and networks stay as they are: what float64 is for, subtracts the location from the data.
        """
        return not self.adapted and self._widen()

    def _widen(self, always=True):
        """As `widened`, also if adapted; if not `always`, where float32 loses the spread that the weights tell of."""
        links = [each for each in self.bijector.bijectors if each.name == "standardize" and len(self.event_shape) == 1]
        if not links or self.distribution.dtype == tf.float64 or not (always or links[0].needs_float64):
            return False
        base = latents.standard_normal(self.distribution.distribution.event_shape, tf.float64)
        self._flow = tfd.TransformedDistribution(base, self.bijector, name=self.name)
        self._density = bounded.density(self._flow)
        kept.forget(self)  # those of float32
        if self.compiled:
            own.keep_dtype(self, self.density_dtype)
        return True

    def set_weights(self, weights):
        """As `keras.Model.set_weights`."""
        super().set_weights(weights)
        self._widen(always=False)

    def load_weights(self, filepath, **kwargs):
        """As `keras.Model.load_weights`."""
        super().load_weights(filepath, **kwargs)
        self._widen(always=False)

    @property
    def kept_levels(self):
        """Levels that are kept of a pixel, `None` for all."""
        return None if self.num_bits is None else 2**self.num_bits

    def network_options(self, name, number=None):
        """What a network of the flow is given: the context, precision, its name, and the seed of part `number`."""
        seed = {} if number is None else {"seed": seeds.plus(self.seed, number)}
        sizes = {"context_size": self.context_size, "num_classes": self.num_classes}
        return {**sizes, **seed, "dtype": self.dtype_policy, "name": name}

    def get_config(self):
        """The options that exist for the events, whose shape is among them where it is known, also from a `fit`."""
        first, *others = (name for name in self.options if name in _SHAPES)
        values = {n: v for n, v in self._values.items() if n not in others} | {first: None}
        if self._flow is not None:
            values = {**self.applicable(values, self.event_shape), first: self.event_shape}
            if self.distribution.dtype != self.bijection_dtype:
                values["widened"] = True
        return configs.written({**values, "name": self.name, "dtype": self.dtype_policy})

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The flow that `get_config` described, with fresh weights.

        Files of before hold every option, those too that do not exist for their events: these are left out. So are,
        where the events are not known yet, defaults of options that may turn out not to exist.
        """
        if config.get("widened"):
            flow = cls.from_config({name: value for name, value in config.items() if name != "widened"})
            flow.widened()
            return flow
        for shape in filter(None, map(config.get, _SHAPES)):
            return cls(**configs.read(cls.applicable(config, shape)))
        shown = inspect.signature(cls).parameters  # a subclass may have another default, and then says so always
        some = {n: o.default for n, o in cls.options.items() if o.ndims or n == "dequantization"}
        some = {n: default for n, default in some.items() if n not in shown or shown[n].default == default}
        defaults = configs.written(some).items()
        return cls(**configs.read({n: v for n, v in config.items() if (n, v) not in defaults}))


def _constructor(options):
    def __init__(self, *args, **given):
        Architecture.__init__(self, *args, **given)

    me = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    __init__.__signature__ = inspect.Signature([me, *tables.parameters(options)])
    return __init__
