"""Data mapped to latent space, where a perfect flow leaves a standard normal."""

import math

import numpy as np
import scipy.stats

from tfflows.plotting import style

_SIGMAS = (1, 2, 3)
_QUANTILES = 200


def latents_figure(latents, *, seed=0):
    """Latents of the data against the standard normal.

    In two dimensions: the latents beside as many draws of `N(0, I)`, with circles of 1, 2 and 3 standard deviations
    and the share of points within each (`1 - exp(-r^2 / 2)` of a normal: 39.3 %, 86.5 %, 98.9 %). In others: the
    quantiles of every dimension against those of `N(0, 1)`, and the distribution of the norm `|z|` against the chi
    distribution with `D` degrees of freedom, which also sees dependence between dimensions.

    Args:
      latents: array `[n, D]`.
      seed: int, of the normal draws.
    """
    latents = style.matrix(latents, "latents")
    return _scatter(latents, seed) if latents.shape[1] == 2 else _marginals(latents)


def _scatter(latents, seed):
    normal = np.random.default_rng(seed).standard_normal(latents.shape)
    figure = style.new_figure(9, 5)
    panels = figure.subplots(1, 2, sharex=True, sharey=True)
    turn = np.linspace(0, 2 * np.pi, 200)
    for axes, points, colour, title in zip(
        panels, (latents, normal), (style.DATA, style.REFERENCE), ("data in latent space", "standard normal draws")
    ):
        style.dots(style.plain(axes), *points.T, colour)
        radius = np.hypot(*points.T)
        for sigma in _SIGMAS:
            axes.plot(sigma * np.cos(turn), sigma * np.sin(turn), color="black", linewidth=0.8)
        shares = ", ".join(f"{np.mean(radius < sigma):.1%}" for sigma in _SIGMAS)
        axes.set_title(f"{title} ({len(points):,})\nwithin 1, 2, 3 σ: {shares}", fontsize=10)
        axes.set(xlabel="z1 (σ)", xlim=(-4.2, 4.2), ylim=(-4.2, 4.2), aspect="equal")
    panels[0].set_ylabel("z2 (σ)")
    return figure


def _marginals(latents):
    count, size = latents.shape
    figure = style.new_figure(9, 4.5)
    left, right = map(style.plain, figure.subplots(1, 2))
    num_ranks = min(count, _QUANTILES)
    ranks = (np.arange(num_ranks) + 0.5) / num_ranks
    normal = scipy.stats.norm.ppf(ranks)
    lines = left.plot(normal, np.quantile(latents, ranks, axis=0), color=style.DATA, linewidth=0.8, alpha=0.5)
    lines[0].set_label(f"{size} dimensions")
    edge = abs(normal[0])
    left.plot([-edge, edge], [-edge, edge], color="black", linestyle="--", linewidth=1, label="N(0, 1)")
    left.set(
        title=f"quantiles of each latent dimension ({count:,} points)",
        xlabel="quantile of N(0, 1) (σ)",
        ylabel="quantile of the latents (σ)",
        ylim=(-1.5 * edge, 1.5 * edge),
    )
    left.legend(frameon=False)
    norm = np.linalg.norm(latents, axis=1)
    low, high = max(0.0, math.sqrt(size) - 4), math.sqrt(size) + 4
    high = max(high, float(np.quantile(norm, 0.99)))
    bins = min(40, max(8, int(math.sqrt(count))))
    right.hist(norm, np.linspace(low, high, bins + 1), density=True, color=style.DATA, alpha=0.5, label="data")
    r = np.linspace(low, high, 300)[1:]
    right.plot(r, scipy.stats.chi(size).pdf(r), color="black", linestyle="--", linewidth=1, label=f"chi({size})")
    right.set(title="distance from the origin", xlabel="|z| (σ)", ylabel="probability density", xlim=(low, high))
    right.legend(frameon=False)
    return figure
