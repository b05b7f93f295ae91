"""What the posteriors share that are a number of equal flows."""

from tfflows import networks
from tfflows.arguments import check_integer, check_sizes
from tfflows.layers.posterior import Posterior
from tfflows.ops import seeds


class FlowPosterior(Posterior):
    """Base of posteriors: a diagonal Gaussian, then `num_flows` flows of one structure, each with weights of its own.

    Subclasses write `make_flow`.

    Args:
      latent_size: int, `D`.
      num_flows: int >= 1.
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import PlanarPosterior, RadialPosterior
    >>> [kind(3, num_flows=2)(tf.ones([8, 5])).shape.as_list() for kind in (PlanarPosterior, RadialPosterior)]
    [[8, 3], [8, 3]]
    """

    def __init__(self, latent_size, *, num_flows=4, **kwargs):
        super().__init__(latent_size, **kwargs)
        check_integer(num_flows=num_flows)
        self.num_flows = num_flows

    def make_flow(self, i, context_size):
        """Subclasses: flow number `i` from the base, a list of bijectors, data end first."""
        raise NotImplementedError(f"{type(self).__name__} must define make_flow")

    def make_bijectors(self, context_size):
        return [link for i in reversed(range(self.num_flows)) for link in self.make_flow(i, context_size)]

    def flow_seed(self, i):
        """A seed for the weights of flow number `i`."""
        return seeds.plus(self.seed, 100 * (i + 1))

    def linear_flow(self, bijector, i, num_raw, context_size, **options):
        """A bijector whose `num_raw` parameters are moved by a linear map of the features, 0 at the start."""
        hypernetwork = networks.ContextLinear(
            num_raw, context_size=context_size, dtype=self.event_dtype, name=f"hypernetwork_{i}"
        )
        options |= {"dtype": self.event_dtype, "seed": self.flow_seed(i)}
        return bijector(self.latent_size, conditioner=hypernetwork, name=f"{bijector.__name__.lower()}_{i}", **options)


class NetworkPosterior(FlowPosterior):
    """Base of posteriors whose flows have networks that see the features and the other entries of the latent.

    Args:
      latent_size: int >= 2, `D`.
      hidden_units: sequence of ints, widths of the hidden layers of every network.
      **kwargs: of `FlowPosterior`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import CouplingPosterior, IAFPosterior
    >>> kinds = [kind(3, num_flows=2, hidden_units=(16,)) for kind in (CouplingPosterior, IAFPosterior)]
    >>> [kind(tf.ones([8, 5])).shape.as_list() for kind in kinds]
    [[8, 3], [8, 3]]
    """

    least_latent_size = 2

    def __init__(self, latent_size, *, hidden_units=(64, 64), **kwargs):
        super().__init__(latent_size, **kwargs)
        self.hidden_units = tuple(hidden_units)
        check_sizes(hidden_units=self.hidden_units)

    def network(self, kind, i, *args, context_size, **options):
        """The network of that kind for flow number `i`."""
        options |= {"hidden_units": self.hidden_units, "context_size": context_size, "seed": self.flow_seed(i)}
        return kind(*args, dtype=self.dtype_policy, name=f"{kind.__name__.lower()}_{i}", **options)
