"""Spline couplings and MAF with TensorFlow Probability alone: ``tfb.RealNVP`` around ``tfb.RationalQuadraticSpline``
(8 bins on [-5, 5]) and ``tfb.MaskedAutoregressiveFlow``, in a ``tfb.Chain`` with ``tfb.Permute``, compiled by XLA.

The networks are plain variables: those of TFP need the Keras 2 that it no longer goes with.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfb = tfp.bijectors
tfd = tfp.distributions

LAYERS, BINS, BOUND = 5, 8, 5.0
LEAST = 1e-3  # width, height and slope


class PlainDensity:
    """Maximum-likelihood training of a TFP distribution by the recipe of the benchmark.

    Args:
        distribution: What is trained.
        weights: Its trained variables.
        arrays: See ``_jax_density.JaxDensity``.
    """

    def __init__(self, distribution, weights: list, arrays: dict):
        self.version = f"tensorflow_probability {tfp.__version__}, tensorflow {tf.__version__}"
        self.num_parameters = sum(int(np.prod(weight.shape)) for weight in weights)
        batch_size, warmup = int(arrays["batch_size"]), int(arrays["warmup_steps"])
        self._rows = len(arrays["train"]) // batch_size
        batches = tf.constant(arrays["train"][: self._rows * batch_size].reshape(self._rows, batch_size, -1))
        self._first, self._test, self._done = batches[0], arrays["test"], 0
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0,
            max(1, int(arrays["steps"]) - warmup),
            warmup_target=float(arrays["learning_rate"]),
            warmup_steps=warmup,
        )
        optimizer = keras.optimizers.Adam(schedule, global_clipnorm=float(arrays["clip_norm"]))
        optimizer.build(weights)

        @tf.function(jit_compile=True, autograph=False)
        def step(batch):
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(distribution.log_prob(batch))
            optimizer.apply_gradients(zip(tape.gradient(loss, [w.value for w in weights]), weights, strict=True))
            return loss

        self._step, self._batches = step, list(batches)
        self._log_prob = tf.function(distribution.log_prob, jit_compile=True, autograph=False)
        draws = list(self._first.shape)

        def sample(seed):  # of a named generator: the one that XLA would choose is ten times as slow on a CPU
            return distribution.bijector.forward(tf.random.stateless_normal(draws, seed, alg="philox"))

        self._sample = tf.function(sample, jit_compile=True, autograph=False)

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss = float("nan")
        for _ in range(steps):
            loss = self._step(self._batches[self._done % self._rows])
            self._done += 1
        return float(loss)

    def log_prob(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly, waiting for each result."""
        for _ in range(steps):
            self._log_prob(self._first).numpy()

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly, waiting for each."""
        for i in range(steps):
            self._sample(tf.constant([i, 0])).numpy()

    def evaluate(self, draws: int) -> dict:
        """The mean log density of the test data, in nats."""
        parts = [self._log_prob(tf.constant(x)).numpy() for x in np.split(self._test, 10)]
        return {"log_prob": float(np.concatenate(parts).astype("float64").mean())}


class Network:
    """Dense layers with given masks, ReLU between them; the last one starts near zero."""

    def __init__(self, sizes: list[int], masks: list | None = None, gain: float = 0.01):
        self.masks = masks or [None] * (len(sizes) - 1)
        initializers = [keras.initializers.GlorotUniform()] * (len(sizes) - 2)
        initializers.append(keras.initializers.RandomNormal(stddev=gain))
        shapes = list(zip(sizes[:-1], sizes[1:], strict=True))
        self.kernels = [keras.Variable(make(s), dtype="float32") for make, s in zip(initializers, shapes, strict=True)]
        self.biases = [keras.Variable(np.zeros(s[1]), dtype="float32") for s in shapes]

    @property
    def weights(self) -> list:
        return [*self.kernels, *self.biases]

    def __call__(self, x):
        for i, (kernel, bias, mask) in enumerate(zip(self.kernels, self.biases, self.masks, strict=True)):
            kernel = kernel.value if mask is None else kernel.value * mask
            x = tf.matmul(tf.nn.relu(x) if i else x, kernel) + bias.value
        return x


def made(size: int, width: int) -> Network:
    """A network whose two outputs for an entry depend on the entries before it."""
    inputs, hidden, outputs = np.arange(size), np.arange(width) % (size - 1), np.repeat(np.arange(size), 2)
    masks = [inputs[:, None] <= hidden, hidden[:, None] <= hidden, hidden[:, None] < outputs]
    return Network([size, width, width, 2 * size], [mask.astype("float32") for mask in masks])


def spline(numbers):
    """The bijector of so many raw numbers for each entry, on the last axis."""
    widths, heights, slopes = tf.split(numbers, [BINS, BINS, BINS - 1], axis=-1)

    def bins(raw):
        return tf.nn.softmax(raw) * (2 * BOUND - BINS * LEAST) + LEAST

    return tfb.RationalQuadraticSpline(
        bin_widths=bins(widths),
        bin_heights=bins(heights),
        knot_slopes=tf.nn.softplus(slopes + np.log(np.e - 1.0)) + LEAST,
        range_min=-BOUND,
    )


def build(seed: int, arrays: dict, *, model: str, width: int = 128) -> PlainDensity:
    """Build the flow: ``model`` is ``"spline"`` or ``"maf"``."""
    keras.utils.set_random_seed(seed)
    size = arrays["train"].shape[1]
    rng, links, networks = np.random.default_rng(seed), [], []
    for _ in range(LAYERS):
        if model == "spline":
            seen, changed = size // 2, size - size // 2
            networks.append(Network([seen, width, width, changed * (3 * BINS - 1)]))
            links.append(coupling(seen, changed, networks[-1]))
        else:
            networks.append(made(size, width))
            links.append(tfb.MaskedAutoregressiveFlow(entries(networks[-1])))
        links.append(tfb.Permute(rng.permutation(size).astype("int32")))
    base = tfd.MultivariateNormalDiag(tf.zeros(size), tf.ones(size))
    weights = [weight for network in networks for weight in network.weights]
    return PlainDensity(tfd.TransformedDistribution(base, tfb.Chain(links)), weights, arrays)


def entries(network: Network):
    """The network's numbers, ``[..., size, 2]``, as ``tfb.MaskedAutoregressiveFlow`` takes them."""
    return lambda x: tf.reshape(network(x), tf.concat([tf.shape(x), [2]], 0))


def coupling(seen: int, changed: int, network: Network):
    """A coupling that changes the last entries, given the first."""
    numbers = 3 * BINS - 1

    def bijector(x, units, **_):
        return spline(tf.reshape(network(x), [*x.shape[:-1], changed, numbers]))

    return tfb.RealNVP(num_masked=seen, bijector_fn=bijector)
