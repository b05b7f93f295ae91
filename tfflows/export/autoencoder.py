"""A variational autoencoder with an endpoint for each thing it does."""

import tensorflow as tf

from tfflows.export import endpoints, saved_model
from tfflows.export.endpoints import Endpoint


def export_autoencoder(vae, path, format="tf_saved_model", verbose=False, **options):
    """Writes `vae` so that it is served without tfflows, Keras or TFP.

    Endpoints, at any batch size; `seed` is int32 `[2]`:

    * `encode(x, seed)`: float32 `[batch, *data_shape]` to draws of the posterior `[batch, D]`
    * `decode(z)`: `[batch, D]` to what stands for `p(x | z)`, as `vae.decode`
    * `sample(n, seed, temperature)`: int32 scalar, float32 scalar, to `[n, *data_shape]`
    * `log_weights(x, num_samples, seed)`: nats `[num_samples, batch]`, as `vae.log_weights`

    Of them only `decode` draws no random numbers, and can be written in a format other than a SavedModel. How each is
    served, without a seed as well, is said of `export_flow`.

    Args:
      vae: anything built with these four methods, `data_shape`, `posterior` and `variables`.
      path, format, verbose, endpoints, opset_version: as in `export_flow`.

    Raises:
      ImportError, ValueError: as `export_flow`.
    """
    dtype, size = vae.posterior.event_dtype, vae.posterior.latent_size
    x = tf.TensorSpec([None, *vae.data_shape], dtype, name="x")
    z = tf.TensorSpec([None, size], dtype, name="z")
    seed, temperature = endpoints.defaults()

    def encode(x, seed=seed):
        return vae.encode(x, seed=saved_model.seed_of(seed))

    def decode(z):
        return vae.decode(z)

    def sample(n, seed=seed, temperature=temperature):
        return vae.sample(n, seed=saved_model.seed_of(seed), temperature=tf.cast(temperature, dtype))

    def log_weights(x, num_samples, seed=seed):
        return vae.log_weights(x, num_samples=num_samples, seed=saved_model.seed_of(seed))

    known = {
        "encode": Endpoint(encode, [x, endpoints.SEED]),
        "decode": Endpoint(decode, [z], lambda: [tf.random.stateless_normal([2, size], [0, 0], dtype=dtype).numpy()]),
        "sample": Endpoint(sample, [endpoints.count("n"), endpoints.SEED, endpoints.TEMPERATURE]),
        "log_weights": Endpoint(log_weights, [x, endpoints.count("num_samples"), endpoints.SEED]),
    }
    endpoints.write(vae, known, path, format=format, verbose=verbose, **options)
