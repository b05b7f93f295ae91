"""Posterior of planar flows."""

import keras

from tfflows import bijectors
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class PlanarPosterior(FlowPosterior):
    """A diagonal Gaussian, then planar flows whose parameters are linear in the features.

    Args:
      latent_size: int, `D`.
      num_flows: int >= 1.
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import PlanarPosterior
    >>> PlanarPosterior(3, num_flows=2)(tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770. Amortised as in van
      den Berg, Hasenclever, Tomczak, Welling, UAI 2018, arXiv 1803.05649.
    """

    def make_flow(self, i, context_size):
        net = self.hypernetwork(i, 2 * self.latent_size + 1, context_size)
        options = {"dtype": self.event_dtype, "seed": self.flow_seed(i), "name": f"planar_{i}"}
        return [bijectors.Planar(self.latent_size, conditioner=net, **options)]
