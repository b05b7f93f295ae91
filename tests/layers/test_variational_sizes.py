"""Variational dequantization is initialised from as many images as data sets have."""

import numpy as np
import pytest

from tfflows.layers import VariationalDequantization


@pytest.mark.parametrize("count, shape", [(1199, (28, 28, 1)), (306, (32, 32, 3))])
def test_weights_are_finite_where_one_of_the_uniforms_is_0(count, shape):
    layer = VariationalDequantization(shape, num_couplings=2, hidden_filters=(1,), feature_filters=1, seed=0)
    layer.adapt(np.random.default_rng(0).integers(0, 256, (count, *shape)).astype("uint8"))
    assert layer.adapted and all(np.isfinite(weight).all() for weight in layer.get_weights())
