"""Posterior of inverse autoregressive flows."""

import keras

from tfflows import bijectors, networks
from tfflows.layers.flow_posterior import NetworkPosterior


@keras.saving.register_keras_serializable("tfflows")
class IAFPosterior(NetworkPosterior):
    """A diagonal Gaussian, then inverse autoregressive flows whose networks (`networks.MADE`) see the features.

    The order of the entries is reversed in every other flow.

    Args, call arguments, returns, raises, example: see `NetworkPosterior`.

    References:
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934, algorithm 1.
    """

    def make_flow(self, i, context_size):
        order = "reversed" if i % 2 else "sequential"
        net = self.network(networks.MADE, i, self.latent_size, num_outputs=2, order=order, context_size=context_size)
        return [bijectors.InverseAutoregressive(net, name=f"iaf_{i}")]
