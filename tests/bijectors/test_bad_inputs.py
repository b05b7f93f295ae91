"""Bad input to a bijector is refused with what was expected and what was received."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import ActNorm, AdditiveCoupling, AffineCoupling, Chain, Logit, Permutation
from tfflows.networks import MLP

METHODS = ("forward", "inverse", "forward_log_det_jacobian", "inverse_log_det_jacobian")
MAKES = {
    "affine": lambda: AffineCoupling([1, 1, 0], MLP(2, hidden_units=(4,))),
    "additive": lambda: AdditiveCoupling([1, 1, 0], MLP(1, hidden_units=(4,))),
    "actnorm": lambda: ActNorm([3]),
    "permutation": lambda: Permutation([2, 0, 1]),
    "chain": lambda: Chain([ActNorm([3]), Permutation([2, 0, 1])]),
}
every_method = pytest.mark.parametrize("method", METHODS)


@pytest.mark.parametrize("name", MAKES)
@every_method
def test_wrong_event_shape(name, method):
    with pytest.raises(ValueError, match=r"expects events of shape \(3,\). Received: shape \(5, 4\)"):
        getattr(MAKES[name](), method)(tf.zeros([5, 4]))


@pytest.mark.parametrize("name", MAKES)
@every_method
def test_wrong_rank(name, method):
    with pytest.raises(ValueError, match=r"rank 1 or more. Received|rank at least 1. Saw: 0"):
        getattr(MAKES[name](), method)(tf.zeros([]))


@pytest.mark.parametrize("name", [*MAKES, "logit"])
@every_method
@pytest.mark.parametrize("dtype", ["int32", "float16", "complex64"])
def test_wrong_dtype(name, method, dtype):
    bijector = Logit() if name == "logit" else MAKES[name]()
    with pytest.raises(TypeError, match=f"works in float32 or float64. Received: dtype {dtype}"):
        getattr(bijector, method)(tf.zeros([5, 3], dtype))


def test_an_unknown_rank_is_refused():
    @tf.function(input_signature=[tf.TensorSpec(None)])
    def forward(x):
        return MAKES["affine"]().forward(x)

    with pytest.raises(ValueError, match="rank 1 or more. Received: shape <unknown>"):
        forward(tf.zeros([5, 3]))


@pytest.mark.parametrize("units", [1, 3])
def test_a_conditioner_of_the_wrong_size(units):
    with pytest.raises(ValueError, match=rf"must return 2 values on its last axis.*Received: shape \(.*{units}\)"):
        AffineCoupling([1, 1, 0], MLP(units, hidden_units=(4,))).forward(tf.zeros([5, 3]))


@pytest.mark.parametrize(("mask", "received"), [([1, 1], "all ones"), ([0, 0], "all zeros"), (1, "scalar")])
@pytest.mark.parametrize("coupling", [AffineCoupling, AdditiveCoupling])
def test_no_mask(coupling, mask, received):
    with pytest.raises(ValueError, match=f"Received: .*{received}"):
        coupling(mask, MLP(2))


def test_an_unknown_bound():
    with pytest.raises(ValueError, match="`log_scale_bound` must be one of.*Received: 'tanhh'"):
        AffineCoupling([1, 0], MLP(2), log_scale_bound="tanhh")


@pytest.mark.parametrize("permutation", [[0, 0, 1], [1, 2, 3], [], [[0, 1]], 3, [0.5, 1.0]])
def test_no_permutation(permutation):
    with pytest.raises(ValueError, match="each of 0 ... n-1 once. Received: "):
        Permutation(permutation)


def test_bad_logits():
    for alpha in (-0.1, 0.5, np.nan):
        with pytest.raises(ValueError, match=r"`alpha` must be in \[0, 0.5\). Received: "):
            Logit(alpha)
    with pytest.raises(ValueError, match="`low` must be below `high`. Received: low=1.0, high=1.0"):
        Logit(low=1.0, high=1.0)


@pytest.mark.parametrize("shape", [(), (None,), (3, None)])
def test_actnorm_of_unknown_channels(shape):
    with pytest.raises(ValueError, match="`event_shape` needs a known last axis. Received: "):
        ActNorm(shape)


def test_bad_chains():
    for links in ([], ActNorm([3])):
        with pytest.raises(ValueError, match="at least one bijector. Received: "):
            Chain(links)
    with pytest.raises(TypeError, match="Every link must be a tfp.bijectors.Bijector. Received: .*dense"):
        Chain([ActNorm([3]), keras.layers.Dense(3, name="dense")])
    with pytest.raises(TypeError, match="Every link must be"):
        Chain([tfp.distributions.Normal(0.0, 1.0)])
