"""Likelihood of discrete data under a density of reals: bounds of nats and of bits."""

import math

import numpy as np
import scipy.special
import tensorflow as tf

from tfflows import layers
from tfflows.arguments import check_integer
from tfflows.datasets import batching
from tfflows.evaluation.densities import as_density
from tfflows.evaluation.likelihood import Estimate, check_finite, checked_shape, default_batch_size, estimate


def discrete_negative_log_likelihood(model, dataset, split="test", *, num_draws=8, **options):
    """An upper bound of `mean(-log P(x))` of integers, in nats per example.

    With noise `u ~ q(u | x)` and weights `w = p(x + u) / q(u | x)`, `P(x) = E[w]`, and Jensen's inequality gives
    `E[-log w] >= -log P(x)`; the expectation is averaged over `num_draws` of `u` for each example.

    A model with a `dequantization` that is not `None` draws `u` itself: `log_prob(x, context, seed=)` of integers is
    `log w`. One with `log_weights(x, num_samples=, seed=)` (`models.VariationalAutoencoder`) has a latent `z` in the
    place of the noise, `w = p(x, z) / q(z | x)`. Any other is a density of reals in units of one level, and gets
    uniform noise here.

    Args:
      model: anything with `log_weights`, or with `log_prob(x)`, or `log_prob(x, context)` when there is one, giving
        nats `[batch]`.
      dataset: `tfflows.datasets.Dataset` or `ImageStream` of discrete data; read in batches. Or, of a model with
        `log_weights`, an array of examples, whatever their kind.
      split: "train", "validation" or "test".
      num_draws: int, draws of noise per example.
      **options: `with_context`: whether the model takes the data's context, false by default; `seed`: int, of the
        noise, 0 by default; `batch_size`: int, examples per call of `log_prob`, by default one that suits their size;
        `num_examples`: int, the first so many only, by default all; `reduced`: of a flow that keeps some levels only
        (`num_bits`), false by default: whether to measure the data with these levels, as tables of 5-bit images do.
        Otherwise what is left out of a level counts as uniform: `log(levels / kept_levels)` nats for each entry more.

    Returns:
      `Estimate` in nats; its error is over examples, each the mean of its draws.

    Raises:
      ValueError: a flow of noisy images (`layers.GaussianAugmentation`), whose density bounds nothing.
    """
    return estimate(-log_weights(model, dataset, split, num_draws, **options).mean(axis=1))


def importance_weighted(model, dataset, split="test", *, num_draws=64, **options):
    """The importance-weighted upper bound of `mean(-log P(x))`, in nats per example.

    For each example, with weights `w_k` of `K = num_draws` draws as in `discrete_negative_log_likelihood`:

        -log (1/K) sum_k w_k        (nats)

    Its expectation falls with every further draw, from that of `discrete_negative_log_likelihood` to `-log P(x)`.

    Args, returns: see there.

    Example:

    >>> import numpy as np
    >>> from tfflows import datasets, evaluation
    >>> class OneCoin:
    ...     def log_prob(self, x):  # a density over [0, 2) that rises: P(0) = 1/4, P(1) = 3/4
    ...         return np.log(x[:, 0] / 2)
    >>> ones = np.ones([500, 1], "int32")
    >>> nats = evaluation.importance_weighted(
    ...     OneCoin(), datasets.Dataset("ones", ones, ones, ones, discrete_levels=2), num_draws=256
    ... )
    >>> bool(abs(nats.mean + np.log(3 / 4)) < 4 * nats.standard_error + 1e-3)
    True

    References:
      Burda, Grosse, Salakhutdinov. Importance weighted autoencoders. ICLR 2016, arXiv 1509.00519, equations 8 to 10.
      Ho, Chen, Srinivas, Duan, Abbeel. Flow++. ICML 2019, arXiv 1902.00275, section 4.1.
    """
    drawn = log_weights(model, dataset, split, num_draws, **options)
    return estimate(math.log(num_draws) - scipy.special.logsumexp(drawn, axis=1))


def bits_per_dim(nats, event_shape):
    """The `Estimate` of a negative log-likelihood of discrete data in bits per dimension: `nats / (D log 2)`.

    Args:
      nats: `Estimate` in nats per example.
      event_shape: shape of one example, of `D` entries.
    """
    scale = 1 / (math.prod(event_shape) * math.log(2))
    values = None if nats.values is None else nats.values * scale
    return Estimate(nats.mean * scale, nats.standard_error * scale, nats.count, values)


def log_weights(
    model,
    dataset,
    split,
    num_draws,
    *,
    with_context=False,
    seed=0,
    batch_size=None,
    num_examples=None,
    reduced=False,
    impossible=False,
):
    """`log p(x + u) - log q(u | x)` of every example and draw: float64 `[n, num_draws]`, see `log_probs`."""
    check_integer(num_draws=num_draws)
    left_out = _left_out(model, reduced)
    size, batches, draw = _reading(model, dataset, split, with_context, seed, batch_size)
    if num_examples is not None:
        batches = batches.unbatch().take(num_examples).batch(size)
    rows = []
    for i, batch in enumerate(batches):
        x, *context = (np.asarray(part) for part in (batch if isinstance(batch, tuple) else (batch,)))
        at_once = min(num_draws, max(1, size // len(x)))  # small data: many draws of each example in one call
        drawn = []
        for k in range(0, num_draws, at_once):
            count = min(at_once, num_draws - k)
            # No two calls share their noise: else errors of examples would not be independent.
            key = np.random.default_rng([seed, i, k]).integers(2**31, size=2)
            drawn.append(draw(count, x, *context, seed=tf.constant(key, tf.int32)))
        rows.append(np.concatenate(drawn).T - left_out * math.prod(x.shape[1:]))
    drawn = np.concatenate(rows)
    check_finite(drawn, impossible)
    return drawn


def _left_out(model, reduced):
    """Nats for each entry by which the data's integers are less likely than what a flow keeps of them."""
    layer = getattr(model, "dequantization", None)
    if layer is not None and not getattr(layer, "bounds", True):
        raise ValueError(
            "A density of noisy images gives no bound for integers: judge its samples, or make the flow with a "
            f"dequantization. Received: a flow with {type(layer).__name__}"
        )
    return 0.0 if layer is None or reduced else math.log(layer.levels / layer.kept_levels)


def _reading(model, dataset, split, with_context, seed, batch_size):
    """Examples a call, `tf.data.Dataset` of batches, and the function that draws from them: of a number of draws,
    integers, context and seed, it gives `log w`, `draws x batch` values."""
    weighs = hasattr(model, "log_weights")
    if weighs and hasattr(dataset, "__array__"):
        size = default_batch_size(np.shape(dataset)[1:]) if batch_size is None else batch_size
        batches = batching.in_order((dataset,), size)
    elif dataset.discrete_levels is None:
        raise ValueError(f"Discrete data is needed. Received: data set {dataset.name!r} of continuous values")
    else:
        size = default_batch_size(dataset.event_shape) if batch_size is None else batch_size
        order = {"shuffle": False, "dequantize": False, "with_context": with_context and not weighs}
        batches = dataset.batches(split, batch_size=size, seed=seed, **order)
    if weighs:
        weigh = lambda count, x, seed: model.log_weights(x, num_samples=count, seed=seed)  # noqa: E731
        return size, batches, lambda count, x, seed: checked_shape(weigh(count, x, seed), (count, len(x)))
    model = as_density(model)
    adds_noise = getattr(model, "dequantization", None) is not None
    uniform = None if adds_noise else layers.UniformDequantization(dataset.discrete_levels)

    def draw(count, *given, seed):
        x, *context = (np.tile(part, (count, *[1] * (part.ndim - 1))) for part in given)
        if uniform is None:
            answer = model.log_prob(x, *context, seed=seed)
        else:  # whose `log q` is 0
            answer = model.log_prob(uniform(x, seed=seed)[0].numpy(), *context)
        return checked_shape(answer, (len(x),)).reshape(count, -1)

    return size, batches, draw
