"""Posterior of affine couplings."""

import keras

from tfflows import bijectors, networks
from tfflows.layers.flow_posterior import NetworkPosterior
from tfflows.ops import masks


@keras.saving.register_keras_serializable("tfflows")
class CouplingPosterior(NetworkPosterior):
    """A diagonal Gaussian, then affine couplings whose networks (`networks.MLP`) see the features.

    The halves of the event take turns. Both directions cost one pass: the density of any `z` is as cheap as a draw.

    Args, call arguments, returns, raises, example: see `NetworkPosterior`.

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    def make_flow(self, i, context_size):
        mask = masks.half(self.latent_size, flip=i % 2 == 1)
        net = self.network(networks.MLP, i, 2 * int((~mask).sum()), context_size=context_size)
        return [bijectors.AffineCoupling(mask, net, name=f"coupling_{i}")]
