"""The base of elementwise maps, for those who write one of their own."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ElementwiseMap:
    """A bijection of one number with parameters, applied to every entry of a tensor, each with its own.

    `bijectors.Coupling` and `bijectors.Autoregressive` take a map and a network that gives its parameters. A subclass
    is a frozen dataclass, whose fields are the options of the map: so it is compared by them, copied and saved. It sets
    `num_parameters` and writes

    * `forward(x, *parameters) -> (y, log|dy/dx|)`
    * `inverse(y, *parameters) -> (x, log|dx/dy|)`

    for tensors of one shape and dtype, float32 or float64. A network may return any real numbers: the map must be a
    bijection for all of them, and should be the identity where they are 0, as networks start there.

    Example:

    >>> import dataclasses, tensorflow as tf
    >>> from tfflows.ops.elementwise import ElementwiseMap
    >>> @dataclasses.dataclass(frozen=True)
    ... class Skew(ElementwiseMap):
    ...     num_parameters = 1
    ...     def forward(self, x, skewness):
    ...         a = tf.asinh(x) + skewness
    ...         return tf.sinh(a), tf.math.log(tf.cosh(a)) - 0.5 * tf.math.log1p(x * x)
    ...     def inverse(self, y, skewness):
    ...         return self.forward(y, -skewness)
    >>> from tfflows import bijectors, networks
    >>> flow = bijectors.Coupling([1, 0], networks.MLP(1), Skew())
    >>> flow.forward(tf.ones([8, 2])).shape.as_list()
    [8, 2]
    """

    registry = {}  # of all subclasses that imported modules define, by the name under which saved models refer to them

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        ElementwiseMap.registry[cls.registered_name()] = cls

    @classmethod
    def registered_name(cls):
        """The name under which saved models refer to this class: package and class."""
        return f"{cls.__module__.partition('.')[0]}>{cls.__name__}"

    @property
    def parameters(self):
        """The constructor's arguments, by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def forward(self, x, *parameters):
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def inverse(self, y, *parameters):
        raise NotImplementedError(f"{type(self).__name__} must define inverse")


@dataclasses.dataclass(frozen=True)
class Invert(ElementwiseMap):
    """The inverse of a map: its `forward` is the other's `inverse`. Anything but a map is a `TypeError`."""

    map: ElementwiseMap

    def __post_init__(self):
        check_map(self.map)

    @property
    def num_parameters(self):
        return self.map.num_parameters

    def forward(self, x, *parameters):
        return self.map.inverse(x, *parameters)

    def inverse(self, y, *parameters):
        return self.map.forward(y, *parameters)


def check_map(value):
    """Refuses what is not an elementwise map, or is one whose options cannot be read because it is no dataclass."""
    if not isinstance(value, ElementwiseMap) or "__dataclass_fields__" not in vars(type(value)):
        raise TypeError(
            "`map` must be an ops.elementwise.ElementwiseMap, its class a frozen dataclass. "
            f"Received: {type(value).__name__}"
        )
