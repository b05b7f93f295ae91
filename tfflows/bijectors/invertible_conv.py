"""Invertible 1x1 convolution."""

import numpy as np
import scipy.linalg
import tensorflow as tf

from tfflows import arguments
from tfflows.joint import KerasBijector
from tfflows.ops import products, seeds, shapes

_SMALLEST_VARIANCE = 1e-4  # of the largest: further stretched, a direction would lose float32's digits on the way back


class InvertibleConv(KerasBijector):
    """A learned invertible matrix `W` that mixes the channels at every pixel.

    * inverse, data to latent, the paper's direction: `x[i, j] = W y[i, j]`
    * forward: `y[i, j] = W^-1 x[i, j]`
    * forward log-det: `-pixels * log|det W|`, `pixels` the product of the event's other axes.

    `parametrization="plu"` (default) keeps `W = P L (U + diag(sign * exp(log_scale)))` with a fixed permutation `P` and
    signs, `L` unit lower and `U` strictly upper triangular: it cannot become singular, `log|det W| = sum(log_scale)`,
    and `W^-1` is two triangular solves. One `C x C` weight holds `L`, `U` and, on its diagonal, `log_scale`. `"plain"`
    learns all entries of `W` freely; its log-det is that of a QR decomposition, `O(C^3)`. Both start as a random
    rotation.

    With `whiten=True`, `adapt` multiplies that rotation by the matrix that whitens the data, as actnorm sets its
    scales from data: for the covariance `V diag(variances) V^T` of the channels over a batch and all pixels,
    `W <- W diag(variances)^(-1/2) V^T`, so that `x` has covariance 1. Neighbouring pixels of photographs, which a
    squeeze puts side by side, are so alike that learning this takes a Glow hundreds of steps. `"symmetric"` starts as
    the identity, and becomes `V diag(variances)^(-1/2) V^T` of a covariance that is shrunk where there are few rows
    (Ledoit and Wolf 2004, scikit-learn's `ledoit_wolf`): of all maps that whiten, the one that moves data least.

    `event_ndims`: the rank of `event_shape`. Cost: one `C x C` matrix product a pixel in each direction.

    Args:
      event_shape: shape of the event, channels last; all but the last entry may be `None`.
      parametrization: "plu" or "plain".
      kernel: array `[C, C]`, the initial `W`; `None` for a random rotation.
      whiten: bool, let `adapt` whiten; or "symmetric".
      trainable: bool; `False` keeps what `adapt` set.
      dtype, seed, name: see `joint.KerasBijector`.

    Raises:
      ValueError: an empty `event_shape`, an unknown parametrization, or a kernel that is not square or not invertible
        (also when it became so: seen where values are at hand, that is outside compiled functions).

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import InvertibleConv
    >>> conv = InvertibleConv([4, 4, 6], seed=0)
    >>> bool(abs(conv.forward_log_det_jacobian(tf.ones([8, 4, 4, 6]))[0]) < 1e-4)  # a rotation keeps the volume
    True

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039, section 3.2,
      equations 9 to 11.
    """

    def __init__(
        self,
        event_shape,
        *,
        parametrization="plu",
        kernel=None,
        whiten=False,
        trainable=True,
        dtype="float32",
        seed=None,
        name="invertible_conv",
    ):
        parameters = {**locals(), "kernel": None}  # which is in the weights
        shape = shapes.known_event_shape(event_shape, last_axis_only=True)
        arguments.check_choice(("plu", "plain"), parametrization=parametrization)
        arguments.check_choice((False, True, "symmetric"), whiten=whiten)
        self._symmetric, size = whiten == "symmetric", shape[-1]
        kernel = self._start(size, seed) if kernel is None else _checked(kernel, size)
        super().__init__(forward_min_event_ndims=shape.rank, event_shape=shape, parameters=parameters, name=name)
        self._parametrization = parametrization
        for weight, value in self._values(kernel).items():
            learned = trainable and weight in ("kernel", "factors")
            setattr(self, weight, self.add_weight(name=weight, value=value, dtype=dtype, trainable=learned))
        self._whitened = self.add_weight(name="adapted", value=0, dtype="int64", trainable=False) if whiten else None

    def _values(self, kernel):
        """The weights, by name, that make `W` this kernel."""
        return {"kernel": kernel} if self._parametrization == "plain" else _factorised(kernel)

    def _start(self, size, seed):
        return np.eye(size) if self._symmetric else _rotation(size, seed)

    def random_weights(self, seed):
        return self._values(self._start(self._required_event_shape[-1], seed))

    @property
    def adapted(self):
        """Whether the data is whitened, or was never to be."""
        return self._whitened is None or bool(self._whitened.numpy())

    def initialise_from(self, y, context):
        whitening = _whitening(shapes.finite_rows(y, self.name), self._symmetric)
        kernel = self._matrix(tf.float64)[0].numpy() @ whitening
        for name, value in self._values(kernel).items():
            getattr(self, name).assign(tf.cast(value, getattr(self, name).dtype))
        self._whitened.assign(1)

    def forward_and_log_det(self, x, context=None):
        inverse, log_det = self._matrix(x.dtype, inverse=True)
        return products.matvec(inverse, x), shapes.log_det_of_pixels(x, self.forward_min_event_ndims, -log_det)

    def inverse_and_log_det(self, y, context=None):
        matrix, log_det = self._matrix(y.dtype)
        return products.matvec(matrix, y), shapes.log_det_of_pixels(y, self.forward_min_event_ndims, log_det)

    @property
    def matrix(self):
        """`W`, an array `[C, C]` in float64."""
        if self._parametrization == "plain":
            return self.kernel.numpy().astype(np.float64)
        return self._matrix(tf.float64)[0].numpy()

    def _matrix(self, dtype, *, inverse=False):
        """`W`, or `W^-1`, and `log|det W|`."""
        if self._parametrization == "plain":
            kernel = tf.cast(self.kernel.value, dtype)
            return tf.linalg.inv(kernel) if inverse else kernel, _log_abs_det(kernel, self.name)
        permutation, sign, factors = (
            tf.cast(each.value, dtype) for each in (self.permutation, self.sign, self.factors)
        )
        log_scale = tf.linalg.diag_part(factors)
        lower, upper = products.triangles(factors, sign * tf.exp(log_scale))
        log_det = tf.reduce_sum(log_scale)
        if not inverse:
            return products.matmul(permutation, products.matmul(lower, upper)), log_det
        solved = tf.linalg.triangular_solve(lower, tf.transpose(permutation))
        return tf.linalg.triangular_solve(upper, solved, lower=False), log_det


def _log_abs_det(kernel, name):
    """`log|det kernel|` from a QR decomposition: `slogdet` has no XLA kernel on CPUs."""
    log_det = tf.reduce_sum(tf.math.log(tf.abs(tf.linalg.diag_part(tf.linalg.qr(kernel)[1]))))
    if tf.executing_eagerly() and not np.isfinite(log_det.numpy()):
        raise ValueError(f"The kernel of {name} must be invertible. Received: log|det| = {log_det.numpy()}")
    return log_det


def _rotation(size, seed):
    return np.linalg.qr(np.random.default_rng(seeds.given_or_drawn(seed)).normal(size=(size, size)))[0]


def _whitening(rows, symmetric):
    """The matrix that gives the rows of an array covariance 1, but stretches no direction without bound."""
    rows = rows.astype(np.float64)
    if symmetric:
        from sklearn.covariance import ledoit_wolf  # only here: it takes a while

        covariance, _ = ledoit_wolf(rows)
    else:
        covariance = np.cov(rows, rowvar=False, ddof=0).reshape(rows.shape[1], -1)
    variances, directions = np.linalg.eigh(covariance)
    variances = np.maximum(variances, _SMALLEST_VARIANCE * max(variances.max(), _SMALLEST_VARIANCE))
    whitening = directions.T / np.sqrt(variances)[:, None]
    return directions @ whitening if symmetric else whitening


def _factorised(kernel):
    """The weights of `W = P L (U + diag(sign * exp(log_scale)))`."""
    permutation, lower, upper = scipy.linalg.lu(kernel)
    diagonal = np.diag(upper)
    factors = np.tril(lower, -1) + np.triu(upper, 1) + np.diag(np.log(np.abs(diagonal)))
    return {"permutation": permutation, "sign": np.sign(diagonal), "factors": factors}


def _checked(kernel, size):
    kernel = np.asarray(kernel, np.float64)
    if kernel.shape != (size, size):
        raise ValueError(f"`kernel` must have shape ({size}, {size}). Received: shape {kernel.shape}")
    rank = np.linalg.matrix_rank(kernel) if np.isfinite(kernel).all() else "unknown (not finite)"
    if rank != size:
        raise ValueError(f"`kernel` must be invertible. Received: a matrix of rank {rank}, not {size}")
    return kernel
