"""Spline couplings with distrax: ``SplitCoupling`` with ``RationalQuadraticSpline`` on [-5, 5], identity tails.

It has no autoregressive flow and no networks; the conditioners are written out in JAX."""

from __future__ import annotations

from importlib.metadata import version

import distrax
import jax
import jax.numpy as jnp

# isort: split
from _jax_density import JaxDensity

LAYERS, BINS = 5, 8


def build(seed: int, arrays: dict, *, model: str = "spline", width: int = 128) -> JaxDensity:
    """Build the flow.

    Raises:
        ValueError: For any ``model`` but ``"spline"``.
    """
    if model != "spline":
        raise ValueError(f"distrax has no such flow: {model!r}")
    size, batch_size = arrays["train"].shape[1], int(arrays["batch_size"])
    half, per_entry = size // 2, 3 * BINS + 1

    def init(key, index):
        seen = half if index % 2 == 0 else size - half
        sizes, layers = (seen, width, width), []
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            key, draw = jax.random.split(key)
            bound = fan_in**-0.5
            layers.append(
                (jax.random.uniform(draw, (fan_in, fan_out), minval=-bound, maxval=bound), jnp.zeros(fan_out))
            )
        units = (size - seen) * per_entry
        return [*layers, (jnp.zeros((width, units)), jnp.zeros(units))]

    def conditioner(parameters, x):
        *hidden, (kernel, bias) = parameters
        for hidden_kernel, hidden_bias in hidden:
            x = jax.nn.relu(x @ hidden_kernel + hidden_bias)
        raw = x @ kernel + bias
        return raw.reshape(*raw.shape[:-1], -1, per_entry)

    def spline(raw):
        return distrax.RationalQuadraticSpline(raw, range_min=-5.0, range_max=5.0, boundary_slopes="identity")

    def layer(index, parameters):
        swap = index % 2 == 1  # then those after the split are seen
        return distrax.SplitCoupling(half, 1, lambda x: conditioner(parameters, x), spline, swap=swap)

    def distribution(parameters):
        base = distrax.MultivariateNormalDiag(jnp.zeros(size), jnp.ones(size))
        return distrax.Transformed(base, distrax.Chain([layer(*item) for item in enumerate(parameters)]))

    def log_prob(parameters, batch):
        return distribution(parameters).log_prob(batch)

    def sample(parameters, key):
        return distribution(parameters).sample(seed=key, sample_shape=batch_size)

    parameters = [init(key, index) for index, key in enumerate(jax.random.split(jax.random.key(seed), LAYERS))]
    label = f"distrax {version('distrax')}, jax {jax.__version__}"
    return JaxDensity(parameters, log_prob, sample, arrays, label)
