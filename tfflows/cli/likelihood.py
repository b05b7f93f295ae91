"""The likelihood that a run gives to data: what metrics.json and evaluate.json hold, and how it is printed."""

import numpy as np
import tensorflow as tf

from tfflows import evaluation
from tfflows.cli import defaults


def measure(run, split, *, seed, num_draws=defaults.NOISE_DRAWS, importance_draws=None):
    """Likelihood of one split of the data, "train", "validation" or "test".

    To discrete data noise is added, of that seed, drawn `num_draws` times per example; their importance-weighted bound
    takes `importance_draws`, `None` for no such bound.

    Returns:
      dict of finite numbers: `<split>_nats`, the mean negative log-likelihood in nats per example, with
      `<split>_standard_error` and `num_<split>`. Of a known density also `entropy_nats`, `gap_nats` and
      `gap_standard_error`; of discrete data `bits_per_dim` and `bits_per_dim_standard_error`, and `bound`: "upper",
      as both are of the discrete values and no less than the true ones; with `importance_draws` also the tighter
      `importance_weighted_bits_per_dim` and its error. With `num_bits` all are of data with so many `levels`.
    """
    flow, dataset = run.flow, run.data
    context = dataset.context(split) if flow.conditional and dataset.discrete_levels is None else None
    found = {"data": dataset.name, "split": split, "conditional": flow.conditional}
    if dataset.discrete_levels is not None:
        options = {"with_context": flow.conditional, "seed": seed, "reduced": True}
        layer = flow.dequantization
        if layer is not None and layer.kept_levels < layer.levels:
            found["levels"] = layer.kept_levels
        nats = evaluation.discrete_negative_log_likelihood(flow, dataset, split, num_draws=num_draws, **options)
        bits = evaluation.bits_per_dim(nats, dataset.event_shape)
        found.update(_numbers("bits_per_dim", bits), bound="upper", noise_draws=num_draws)
        if importance_draws is not None:
            tighter = evaluation.importance_weighted(flow, dataset, split, num_draws=importance_draws, **options)
            tighter = evaluation.bits_per_dim(tighter, dataset.event_shape)
            found.update(_numbers("importance_weighted_bits_per_dim", tighter), importance_draws=importance_draws)
    else:
        nats = evaluation.negative_log_likelihood(flow, dataset.examples(split), context)
    found.update(_numbers(f"{split}_nats", nats), **{f"num_{split}": nats.count})
    if dataset.density is not None:
        gap = evaluation.gap_to_density(flow, dataset.density, dataset.examples(split), context)
        found.update(_numbers("gap_nats", gap), entropy_nats=dataset.density.entropy)
    return found


def of_each(run, split, *, seed, num_draws, limit=None):
    """Log-probability of each example of a split, or of the first so many, nats `[n]`; of discrete data the mean over
    draws of noise."""
    flow, dataset = run.flow, run.data
    conditional, size = flow.conditional, evaluation.default_batch_size(dataset.event_shape)
    if dataset.discrete_levels is None or flow.dequantization is None:
        draws = 1 if dataset.discrete_levels is None else num_draws
        context = [dataset.context(split)[:limit]] if conditional else []
        rows = (dataset.dequantized(split, seed=seed + draw)[:limit] for draw in range(draws))
        return np.mean([flow.predict((x, *context) if context else x, size, verbose=0) for x in rows], axis=0)
    options = {"with_context": conditional, "shuffle": False, "dequantize": False}
    size = size if limit is None else min(size, limit)
    found, batches = [], dataset.batches(split, batch_size=size, seed=seed, **options)
    for i, batch in enumerate(batches if limit is None else batches.take(-(-limit // size))):
        parts = batch if conditional else (batch,)
        draws = [flow.log_prob(*parts, seed=tf.constant([seed + draw, i])) for draw in range(num_draws)]
        found.append(np.mean(draws, axis=0))
    return np.concatenate(found)[:limit]


def lines(found):
    """The metrics as lines to print."""
    split = found["split"]
    values = f"values with {found['levels']} levels" if "levels" in found else "discrete values"
    of = f"of the {values}, upper bound" if "bound" in found else "negative log-likelihood per example"
    given = ", given the context" if found["conditional"] else ""
    shown = [(f"{split} nats:", f"{_with_error(found, f'{split}_nats')}  ({of}{given}; {found[f'num_{split}']:,})")]
    if "bits_per_dim" in found:
        shown.append(("bits/dim:", f"{_with_error(found, 'bits_per_dim')}  (upper bound)"))
    if "importance_draws" in found:
        text = f"{_with_error(found, 'importance_weighted_bits_per_dim')}  (importance-weighted upper bound, "
        shown.append(("bits/dim:", f"{text}{found['importance_draws']} draws)"))
    if "gap_nats" in found:
        shown.append(("true nats:", f"{found['entropy_nats']:.4f}  (entropy of the density)"))
        shown.append(("gap:", f"{_with_error(found, 'gap_nats')} nats"))
    width = max(13, max(len(name) for name, _ in shown) + 1)
    return [f"{name:{width}}{text}" for name, text in shown]


def headline(run, found):
    """Model, data and number in one line, as above every figure."""
    split = found["split"]
    number, unit = ("bits_per_dim", "bits/dim") if "bits_per_dim" in found else (f"{split}_nats", "nats")
    gap = f", gap {_with_error(found, 'gap_nats')}" if "gap_nats" in found else ""
    model = defaults.MODELS[run.settings["model"]][0]
    return f"{model}, {found['data']}: {split} {_with_error(found, number)} {unit}{gap}"


def _numbers(name, estimate):
    error = f"{name.removesuffix('_nats')}_standard_error"
    return {name: estimate.mean} | ({error: estimate.standard_error} if estimate.count > 1 else {})


def _with_error(found, name):
    error = found.get(f"{name.removesuffix('_nats')}_standard_error")
    return f"{found[name]:.4f}" + ("" if error is None else f" ± {error:.4f}")
