"""Orthogonal matrices from Householder reflections."""

import tensorflow as tf


def reflections(vectors, rank=None):
    """The first `rank` columns of the product of the reflections `I - 2 v v^T / |v|^2`, `v` the columns `[..., D, K]`.

    The product is `I - V S^-1 V^T`, where `S` has the products of different columns above its diagonal and half of
    `|v|^2` on it: one triangular system instead of one reflection after another. A column of zeros reflects nothing.

    Args:
      vectors: `Tensor` `[..., D, K]`.
      rank: int from 1 to `D`; `None` for `D`.

    Returns:
      `Tensor` `[..., D, rank]` of orthonormal columns.
    """
    rank = vectors.shape[-2] if rank is None else rank
    v = vectors * tf.math.rsqrt(tf.maximum(tf.reduce_sum(vectors**2, axis=-2, keepdims=True), 1e-36))
    products = tf.matmul(v, v, transpose_a=True)
    squares = tf.linalg.diag_part(products)
    s = tf.linalg.set_diag(tf.linalg.band_part(products, 0, -1), tf.where(squares > 0.0, 0.5 * squares, 1.0))
    inner = tf.linalg.triangular_solve(s, tf.linalg.matrix_transpose(v[..., :rank, :]), lower=False)
    return tf.eye(v.shape[-2], rank, dtype=v.dtype) - v @ inner
