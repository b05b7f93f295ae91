"""A variational autoencoder as a SavedModel."""

import tensorflow as tf

from tfflows.export.saved_model import SEED, write


def export_autoencoder(vae, path, *, verbose=False):
    """Writes `vae` as a SavedModel; any TensorFlow program can load it without tfflows, Keras or TFP.

    Endpoints, each an attribute of the loaded object and a serving signature, at any batch size; `seed` is int32 `[2]`:

    * `encode(x, seed)`: float32 `[batch, *data_shape]` to draws of the posterior `[batch, D]`
    * `decode(z)`: `[batch, D]` to what stands for `p(x | z)`, as `vae.decode`
    * `sample(n, seed, temperature)`: int32 scalar, float32 scalar, to `[n, *data_shape]`
    * `log_weights(x, num_samples, seed)`: nats `[num_samples, batch]`, as `vae.log_weights`

    Args:
      vae: anything built with these four methods, `data_shape`, `posterior` and `variables`.
      path: folder to write.
      verbose: bool, print the endpoints.
    """
    dtype = vae.posterior.event_dtype
    x = tf.TensorSpec([None, *vae.data_shape], dtype, name="x")
    z = tf.TensorSpec([None, vae.posterior.latent_size], dtype, name="z")
    count = {name: tf.TensorSpec([], tf.int32, name=name) for name in ("n", "num_samples")}
    temperature = tf.TensorSpec([], tf.float32, name="temperature")

    def sample(n, seed, temperature):
        return vae.sample(n, seed=seed, temperature=tf.cast(temperature, dtype))

    def log_weights(x, num_samples, seed):
        return vae.log_weights(x, num_samples=num_samples, seed=seed)

    endpoints = {
        "encode": (lambda x, seed: vae.encode(x, seed=seed), [x, SEED]),
        "decode": (lambda z: vae.decode(z), [z]),
        "sample": (sample, [count["n"], SEED, temperature]),
        "log_weights": (log_weights, [x, count["num_samples"], SEED]),
    }
    write(endpoints, vae.variables, path, verbose=verbose)
