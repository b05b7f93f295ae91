"""Posterior of affine couplings."""

import keras

from tfflows import arguments, bijectors, networks
from tfflows.layers.flow_posterior import FlowPosterior
from tfflows.ops import masks


@keras.saving.register_keras_serializable("tfflows")
class CouplingPosterior(FlowPosterior):
    """A diagonal Gaussian, then affine couplings whose networks see the features.

    The halves of the event take turns. Both directions cost one pass: the density of any `z` is as cheap as a draw.

    Args:
      latent_size: int >= 2, `D`.
      num_flows: int >= 1, couplings.
      hidden_units: sequence of ints, widths of the hidden layers of every network (`networks.MLP`).
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import CouplingPosterior
    >>> CouplingPosterior(3, num_flows=2, hidden_units=(16,))(tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    least_latent_size = 2

    def __init__(self, latent_size, *, num_flows=4, hidden_units=(64, 64), **kwargs):
        super().__init__(latent_size, num_flows=num_flows, **kwargs)
        arguments.check_sizes(hidden_units=tuple(hidden_units))
        self.hidden_units = tuple(hidden_units)

    def make_flow(self, i, context_size):
        mask = masks.half(self.latent_size, flip=i % 2 == 1)
        net = networks.MLP(
            2 * int((~mask).sum()),
            hidden_units=self.hidden_units,
            context_size=context_size,
            seed=self.flow_seed(i),
            dtype=self.dtype_policy,
            name=f"mlp_{i}",
        )
        return [bijectors.AffineCoupling(mask, net, name=f"coupling_{i}")]

    def get_config(self):
        return {**super().get_config(), "hidden_units": list(self.hidden_units)}
