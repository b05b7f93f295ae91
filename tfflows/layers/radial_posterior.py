"""Posterior of radial flows."""

import keras

from tfflows import bijectors
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class RadialPosterior(FlowPosterior):
    """A diagonal Gaussian, then radial flows whose parameters are linear in the features.

    Args, call arguments, returns, raises, example: see `FlowPosterior`.

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770.
    """

    def make_flow(self, i, context_size):
        return [self.linear_flow(bijectors.Radial, i, self.latent_size + 2, context_size)]
