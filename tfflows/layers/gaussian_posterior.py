"""The posterior of the plain variational autoencoder."""

import keras
import tensorflow as tf

from tfflows.layers.posterior import Posterior


@keras.saving.register_keras_serializable("tfflows")
class GaussianPosterior(Posterior):
    """`q(z | h) = N(mean, diag(scale^2))`: the posterior of the plain variational autoencoder, no bijectors.

    With the standard normal prior the divergence is exact, a sum over dimensions:

        KL_j = (mean_j^2 + scale_j^2 - 1) / 2 - log scale_j        (nats)

    Args, call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import keras, tensorflow as tf
    >>> from tfflows.layers import GaussianPosterior
    >>> posterior = GaussianPosterior(2, seed=0)
    >>> posterior(tf.ones([8, 5])).shape.as_list(), len(posterior.losses)
    ([8, 2], 1)
    >>> z, log_q = GaussianPosterior(2, return_log_q=True)(tf.ones([8, 5]), num_samples=64)
    >>> z.shape.as_list(), log_q.shape.as_list()
    ([64, 8, 2], [64, 8])

    References:
      Kingma, Welling. Auto-encoding variational Bayes. ICLR 2014, arXiv 1312.6114, appendix B.
    """

    def _divergence(self, z, log_q, mean, log_scale, prior):
        if prior is not None:
            return super()._divergence(z, log_q, mean, log_scale, prior)
        return 0.5 * (mean**2 + tf.exp(2 * log_scale) - 1) - log_scale
