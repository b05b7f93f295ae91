"""Posterior of inverse autoregressive flows."""

import keras

from tfflows import arguments, bijectors, networks
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class IAFPosterior(FlowPosterior):
    """A diagonal Gaussian, then inverse autoregressive flows whose networks see the features.

    The order of the entries is reversed in every other flow.

    Args:
      latent_size: int >= 2, `D`.
      num_flows: int >= 1.
      hidden_units: sequence of ints, widths of the hidden layers of every network (`networks.MADE`).
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import IAFPosterior
    >>> IAFPosterior(3, num_flows=2, hidden_units=(16,))(tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934, algorithm 1.
    """

    least_latent_size = 2

    def __init__(self, latent_size, *, num_flows=4, hidden_units=(64, 64), **kwargs):
        super().__init__(latent_size, num_flows=num_flows, **kwargs)
        arguments.check_sizes(hidden_units=tuple(hidden_units))
        self.hidden_units = tuple(hidden_units)

    def make_flow(self, i, context_size):
        net = networks.MADE(
            self.latent_size,
            num_outputs=2,
            hidden_units=self.hidden_units,
            order="reversed" if i % 2 else "sequential",
            context_size=context_size,
            seed=self.flow_seed(i),
            dtype=self.dtype_policy,
            name=f"made_{i}",
        )
        return [bijectors.InverseAutoregressive(net, name=f"iaf_{i}")]

    def get_config(self):
        return {**super().get_config(), "hidden_units": list(self.hidden_units)}
