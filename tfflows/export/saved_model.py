"""A flow as a SavedModel with an endpoint for each thing it does."""

import pathlib

import tensorflow as tf

from tfflows.ops import precision

SEED = tf.TensorSpec([2], tf.int32, name="seed")


def export_flow(flow, path, *, verbose=False):
    """Writes `flow` as a SavedModel; any TensorFlow program can load it without tfflows, Keras or TFP.

    Endpoints, each an attribute of the loaded object and a serving signature, at any batch size:

    * `log_prob(x[, context])`: `[batch, *event_shape]` to nats `[batch]`
    * `sample(n, seed, temperature[, context])`: int32 scalar, int32 `[2]` (stateless seed), float32 scalar
    * `forward(z[, context])`: latent to data
    * `inverse(x[, context])`: data to latent

    Of a flow over integers, with a `dequantization`, these are of dequantized reals in units of a (reduced) level,
    except that `sample` gives integers, uint8 or int32; and there is one more:

    * `discrete_log_prob(x, seed[, context])`: int32 `[batch, *event_shape]`, int32 `[2]`: one draw's estimate of a
      lower bound of the log-probability of the integers, nats `[batch]`

    Args:
      flow: anything with `distribution`, `bijector`, `dequantization`, `log_prob`, `event_shape`, `context_size`,
        `num_classes`.
      path: folder to write.
      verbose: bool, print the endpoints.

    Example:

    >>> import tempfile, tensorflow as tf
    >>> from tfflows.models import RealNVP
    >>> flow, folder = RealNVP(event_shape=(2,), num_layers=2), tempfile.mkdtemp()
    >>> flow.export(folder)
    >>> served = tf.saved_model.load(folder)
    >>> served.log_prob(tf.zeros([3, 2])).shape.as_list()
    [3]
    """
    dtype, event = flow.distribution.dtype, flow.event_shape
    latent = flow.distribution.distribution.event_shape
    x = tf.TensorSpec([None, *event], dtype, name="x")
    z = tf.TensorSpec([None, *latent], dtype, name="z")
    draw = (tf.TensorSpec([], tf.int32, name="n"), SEED, tf.TensorSpec([], tf.float32, name="temperature"))
    integers = tf.TensorSpec([None, *event], tf.int32, name="x")
    context = ()
    if flow.num_classes is not None:
        context = (tf.TensorSpec([None], tf.int32, name="context"),)
    elif flow.context_size is not None:
        context = (tf.TensorSpec([None, flow.context_size], dtype, name="context"),)

    def sample(n, seed, temperature, *given):
        return flow.sample(n, context=given[0] if given else None, seed=seed, temperature=temperature)

    def forward(z, *given):
        with precision.full():
            return flow.bijector.forward(z, **flow._context_kwargs(*given))

    def inverse(x, *given):
        with precision.full():
            return flow.bijector.inverse(x, **flow._context_kwargs(*given))

    wanted = {
        "log_prob": (lambda x, *given: flow.log_prob(x, *given), (x,)),
        "sample": (sample, draw),
        "forward": (forward, (z,)),
        "inverse": (inverse, (x,)),
    }
    if flow.dequantization is not None:
        wanted["discrete_log_prob"] = lambda x, seed, *given: flow.log_prob(x, *given, seed=seed), (integers, SEED)
    endpoints = {name: (endpoint, [*arguments, *context]) for name, (endpoint, arguments) in wanted.items()}
    write(endpoints, flow.variables, path, verbose=verbose)


def write(endpoints, variables, path, *, verbose):
    """Writes functions as a SavedModel, where they are attributes and signatures.

    `endpoints` is a dict from names to pairs of a function and the `tf.TensorSpec`s of its arguments; `variables` are
    the Keras variables that the functions read.
    """
    module = tf.Module()
    module.held_variables = [v.value for v in variables]
    functions = {
        name: tf.function(endpoint, input_signature=signature, autograph=False)
        for name, (endpoint, signature) in endpoints.items()
    }
    for name, function in functions.items():
        setattr(module, name, function)
    tf.saved_model.save(module, str(pathlib.Path(path)), signatures=functions)
    if verbose:
        for name, function in functions.items():
            print(name, [f"{spec.name}{spec.shape} {spec.dtype.name}" for spec in function.input_signature])
