"""What the posteriors share that are a number of equal flows."""

from tfflows import arguments, networks
from tfflows.layers.posterior import Posterior


class FlowPosterior(Posterior):
    """Base of posteriors of `num_flows` flows of one structure, each with weights of its own.

    Subclasses write `make_flow`.

    Args:
      latent_size: int, `D`.
      num_flows: int >= 1.
      **kwargs: of `Posterior`.
    """

    def __init__(self, latent_size, *, num_flows=4, **kwargs):
        super().__init__(latent_size, **kwargs)
        arguments.check_integer(num_flows=num_flows)
        self.num_flows = num_flows

    def make_flow(self, i, context_size):
        """Subclasses: flow number `i` from the base, a list of bijectors, data end first."""
        raise NotImplementedError(f"{type(self).__name__} must define make_flow")

    def make_bijectors(self, context_size):
        return [link for i in reversed(range(self.num_flows)) for link in self.make_flow(i, context_size)]

    def flow_seed(self, i):
        """A seed for the weights of flow number `i`."""
        return None if self.seed is None else self.seed + 100 * (i + 1)

    def hypernetwork(self, i, num_raw, context_size):
        """The linear map from the features to what moves the parameters of flow number `i`; 0 at the start."""
        return networks.ContextLinear(
            num_raw, context_size=context_size, dtype=self.event_dtype, name=f"hypernetwork_{i}"
        )

    def get_config(self):
        return {**super().get_config(), "num_flows": self.num_flows}
