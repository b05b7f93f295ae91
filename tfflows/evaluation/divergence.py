"""How far a flow is from a density that it was fitted to, not drawn from."""

import numpy as np

from tfflows.arguments import check_integer
from tfflows.evaluation.densities import check_methods
from tfflows.evaluation.likelihood import check_finite, checked_shape, estimate


def reverse_divergence(model, target_log_prob, *, log_normalizer=0.0, num_samples=100_000, seed=0, batch_size=20_000):
    """`KL(q || p) = E_q[log q(x) - log p~(x)] + log Z` of a flow `q` and a target `p = p~ / Z`, in nats.

    The mean over draws of the flow, and its standard error. Without `log_normalizer` it is that minus `log Z`.

    Args:
      model: anything with `sample_and_log_prob(n, seed=)`: draws and their log-probabilities.
      target_log_prob: function of `x` `[n, ...]` that gives `log p~`, `[n]`.
      log_normalizer: float, `log Z`.
      num_samples: int.
      seed: int.
      batch_size: int, draws at a time.

    Returns:
      `Estimate` in nats.

    Example:

    >>> import tensorflow as tf, tensorflow_probability as tfp
    >>> from tfflows import evaluation, models
    >>> base = tfp.distributions.MultivariateNormalDiag(tf.zeros(2), tf.ones(2))
    >>> flow = models.FlowModel(tfp.distributions.TransformedDistribution(base, tfp.bijectors.Shift([1.0, 0.0])))
    >>> kl = evaluation.reverse_divergence(flow, base.log_prob)  # of N((1, 0), I) from N(0, I): 1/2
    >>> abs(kl.mean - 0.5) < 5 * kl.standard_error
    True
    """
    check_integer(num_samples=num_samples)
    check_methods(model, "sample_and_log_prob")
    streams = np.random.SeedSequence(seed)
    values = []
    for start in range(0, num_samples, batch_size):
        key = int(streams.spawn(1)[0].generate_state(1)[0] % 2**31)
        x, log_q = model.sample_and_log_prob(min(batch_size, num_samples - start), seed=key)
        log_q, log_p = (checked_shape(each, (len(x),)) for each in (log_q, target_log_prob(x)))
        values.append(log_q - log_p)
    values = np.concatenate(values) + log_normalizer
    check_finite(values)
    return estimate(values)
