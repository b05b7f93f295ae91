"""Spline couplings and MAF with flowjax: ``coupling_flow`` with ``RationalQuadraticSpline`` (8 bins on [-5, 5]),
``masked_autoregressive_flow`` with ``Affine``."""

from __future__ import annotations

from importlib.metadata import version

import equinox as eqx
import jax
import jax.random as jr
import paramax
from flowjax.bijections import Affine, RationalQuadraticSpline
from flowjax.distributions import StandardNormal
from flowjax.flows import coupling_flow, masked_autoregressive_flow

# isort: split
from _jax_density import JaxDensity


def build(seed: int, arrays: dict, *, model: str, width: int = 128) -> JaxDensity:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``."""
    size, batch_size = arrays["train"].shape[1], int(arrays["batch_size"])
    options = {"base_dist": StandardNormal((size,)), "flow_layers": 5, "nn_width": width, "nn_depth": 2}
    if model == "spline":
        flow = coupling_flow(jr.key(seed), transformer=RationalQuadraticSpline(knots=8, interval=5), **options)
    else:
        flow = masked_autoregressive_flow(jr.key(seed), transformer=Affine(), **options)
    parameters, static = eqx.partition(
        flow, eqx.is_inexact_array, is_leaf=lambda leaf: isinstance(leaf, paramax.NonTrainable)
    )

    def whole(parameters):
        return paramax.unwrap(eqx.combine(parameters, static))

    def log_prob(parameters, batch):
        return whole(parameters).log_prob(batch)

    def sample(parameters, key):
        return whole(parameters).sample(key, (batch_size,))

    label = f"flowjax {version('flowjax')}, jax {jax.__version__}, equinox {version('equinox')}"
    return JaxDensity(parameters, log_prob, sample, arrays, label)
