"""Posterior of radial flows."""

import keras

from tfflows import bijectors
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class RadialPosterior(FlowPosterior):
    """A diagonal Gaussian, then radial flows whose parameters are linear in the features.

    Args:
      latent_size: int, `D`.
      num_flows: int >= 1.
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import RadialPosterior
    >>> RadialPosterior(3, num_flows=2)(tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770.
    """

    def make_flow(self, i, context_size):
        net = self.hypernetwork(i, self.latent_size + 2, context_size)
        options = {"dtype": self.event_dtype, "seed": self.flow_seed(i), "name": f"radial_{i}"}
        return [bijectors.Radial(self.latent_size, conditioner=net, **options)]
