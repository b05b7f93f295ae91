"""Posterior of planar flows."""

import keras

from tfflows import bijectors
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class PlanarPosterior(FlowPosterior):
    """A diagonal Gaussian, then planar flows whose parameters are linear in the features.

    Args, call arguments, returns, raises, example: see `FlowPosterior`.

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770. Amortised as in van
      den Berg, Hasenclever, Tomczak, Welling, UAI 2018, arXiv 1803.05649.
    """

    def make_flow(self, i, context_size):
        return [self.linear_flow(bijectors.Planar, i, 2 * self.latent_size + 1, context_size)]
