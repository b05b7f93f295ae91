"""Posterior of Sylvester flows."""

import keras

from tfflows import bijectors
from tfflows.layers.flow_posterior import FlowPosterior


@keras.saving.register_keras_serializable("tfflows")
class SylvesterPosterior(FlowPosterior):
    """A diagonal Gaussian, then Sylvester flows whose parameters are linear in the features.

    In every other flow of the triangular kind `Q` reverses the event, in the others it is the identity.

    Args:
      latent_size, num_flows, **kwargs: see `FlowPosterior`.
      kind: "orthogonal", "householder" or "triangular", see `bijectors.Sylvester`.
      num_vectors: int from 1 to `D`, see there; 8 or `D`, whichever is smaller, by default.

    Call arguments, returns: see `Posterior`.

    Raises:
      ValueError: as `Posterior`; an unknown kind, a number of vectors out of range.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import SylvesterPosterior
    >>> SylvesterPosterior(3, num_flows=2, kind="householder")(tf.ones([8, 5])).shape.as_list()
    [8, 3]

    References:
      Van den Berg, Hasenclever, Tomczak, Welling. Sylvester normalizing flows for variational inference. UAI 2018,
      arXiv 1803.05649.
    """

    def __init__(self, latent_size, *, kind="orthogonal", num_vectors=None, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.num_raw = bijectors.Sylvester.num_raw(latent_size, kind=kind, num_vectors=num_vectors)
        self.kind, self.num_vectors = kind, num_vectors

    def make_flow(self, i, context_size):
        options = {"kind": self.kind, "num_vectors": self.num_vectors}
        flow = self.linear_flow(bijectors.Sylvester, i, self.num_raw, context_size, **options)
        if self.kind != "triangular" or i % 2 == 0:
            return [flow]
        reversal = range(self.latent_size)[::-1]
        there, back = (bijectors.Permutation(reversal, name=f"{way}_{i}") for way in ("reversed", "restored"))
        return [back, flow, there]
