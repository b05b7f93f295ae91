"""Posteriors of a number of equal flows, whose parameters are linear in the features or given by networks."""

import keras

from tfflows import bijectors, networks
from tfflows.arguments import check_integer, check_sizes
from tfflows.layers.posterior import Posterior
from tfflows.ops import masks, seeds


class FlowPosterior(Posterior):
    """Base of posteriors: a diagonal Gaussian, then `num_flows` flows of one structure, each with weights of its own.

    Subclasses write `make_flow`.

    Args:
      latent_size: int, `D`.
      num_flows: int >= 1.
      **kwargs: of `Posterior`: `beta`, `free_bits`, `return_log_q`, `prior`, `seed`, and of `keras.layers.Layer`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import PlanarPosterior, RadialPosterior
    >>> [kind(3, num_flows=2)(tf.ones([8, 5])).shape.as_list() for kind in (PlanarPosterior, RadialPosterior)]
    [[8, 3], [8, 3]]
    """

    def __init__(self, latent_size, *, num_flows=4, **kwargs):
        super().__init__(latent_size, **kwargs)
        check_integer(num_flows=num_flows)
        self.num_flows = num_flows

    def make_flow(self, i, context_size):
        """Subclasses: flow number `i` from the base, a list of bijectors, data end first."""
        raise NotImplementedError(f"{type(self).__name__} must define make_flow")

    def make_bijectors(self, context_size):
        return [link for i in reversed(range(self.num_flows)) for link in self.make_flow(i, context_size)]

    def linear_flow(self, bijector, i, num_raw, context_size, **options):
        """A bijector whose `num_raw` parameters are moved by a linear map of the features, 0 at the start."""
        dtype, seed = self.event_dtype, seeds.plus(self.seed, 100 * (i + 1))
        net = networks.ContextLinear(num_raw, context_size=context_size, dtype=dtype, name=f"hypernetwork_{i}")
        options |= {"name": f"{bijector.__name__.lower()}_{i}", "dtype": dtype, "seed": seed}
        return bijector(self.latent_size, conditioner=net, **options)


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


@keras.saving.register_keras_serializable("tfflows")
class RadialPosterior(FlowPosterior):
    """A diagonal Gaussian, then radial flows whose parameters are linear in the features.

    Args, call arguments, returns, raises, example: see `FlowPosterior`.

    References:
      Rezende, Mohamed. Variational inference with normalizing flows. ICML 2015, arXiv 1505.05770.
    """

    def make_flow(self, i, context_size):
        return [self.linear_flow(bijectors.Radial, i, self.latent_size + 2, context_size)]


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


class NetworkPosterior(FlowPosterior):
    """Base of posteriors whose flows have networks that see the features and the other entries of the latent.

    Args:
      latent_size: int >= 2, `D`.
      hidden_units: sequence of ints, widths of the hidden layers of every network.
      **kwargs: of `FlowPosterior`.

    Call arguments, returns, raises: see `Posterior`.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.layers import CouplingPosterior, IAFPosterior
    >>> kinds = [kind(3, num_flows=2, hidden_units=(16,)) for kind in (CouplingPosterior, IAFPosterior)]
    >>> [kind(tf.ones([8, 5])).shape.as_list() for kind in kinds]
    [[8, 3], [8, 3]]
    """

    least_latent_size = 2

    def __init__(self, latent_size, *, hidden_units=(64, 64), **kwargs):
        super().__init__(latent_size, **kwargs)
        self.hidden_units = tuple(hidden_units)
        check_sizes(hidden_units=self.hidden_units)

    def network(self, kind, i, *args, context_size, **options):
        """The network of that kind for flow number `i`."""
        options |= {"hidden_units": self.hidden_units, "context_size": context_size, "dtype": self.dtype_policy}
        return kind(*args, seed=seeds.plus(self.seed, 100 * (i + 1)), name=f"{kind.__name__.lower()}_{i}", **options)


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
