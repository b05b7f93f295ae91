"""A flow with an endpoint for each thing it does."""

import functools

import tensorflow as tf

from tfflows.export import endpoints, saved_model
from tfflows.export.endpoints import Endpoint
from tfflows.joint.context_standardization import ContextStandardization
from tfflows.joint.weights import keras_layers_of
from tfflows.ops import precision

_TRIED_ON = 2  # examples


def export_flow(flow, path, format="tf_saved_model", verbose=False, **options):
    """Writes `flow` so that it is served without tfflows, Keras or TFP.

    Endpoints, at any batch size:

    * `log_prob(x[, context])`: `[batch, *event_shape]` to nats `[batch]`
    * `sample(n, seed, temperature[, context])`: int32 scalar, int32 `[2]` (stateless seed), float32 scalar
    * `forward(z[, context])`: latent to data
    * `inverse(x[, context])`: data to latent

    Of a flow over integers, with a `dequantization`, these are of dequantized reals in units of a (reduced) level,
    except that `sample` gives integers, uint8 or int32; and there is one more, the first:

    * `discrete_log_prob(x, seed[, context])`: int32 `[batch, *event_shape]`, int32 `[2]`: one draw's estimate of a
      lower bound of the log-probability of the integers, nats `[batch]`

    In a SavedModel each is an attribute of the loaded object and a serving signature, and the first is `serve` and
    `serving_default` as well. `seed` and `temperature` may be left out: without a seed draws are random, the
    temperature is 1 (as attributes, and for servers that apply a signature's defaults; signatures that Python has
    loaded want every argument).

    The other formats are run by onnxruntime, LiteRT or OpenVINO (with `INFERENCE_PRECISION_HINT` `"f32"`: some
    processors compute in bfloat16 by default). Inputs and outputs have the names above, an output that of its
    endpoint. A file holds an endpoint, by default `log_prob`; of several each goes to `NAME.ENDPOINT.SUFFIX`, but in
    LiteRT one file has a signature for each. They draw no random numbers, and where an assertion would fail, as
    of labels out of range, give NaN. A file is run once, and kept if its results are TensorFlow's.

    Args:
      flow: anything with `distribution`, `bijector`, `dequantization`, `log_prob`, `event_shape`, `context_size`,
        `num_classes`.
      path: folder of a SavedModel, or file to write: `.tflite` for LiteRT, `.xml` for OpenVINO (with a `.bin` beside).
      format: "tf_saved_model", "onnx" (needs tf2onnx and onnxruntime), "litert" or "openvino" (openvino and tf2onnx).
      verbose: bool, print the endpoints.
      endpoints: names of those to write, a sequence or one; by default all in a SavedModel, else `log_prob`.
      opset_version: int, of ONNX; by default tf2onnx's.

    Raises:
      ImportError: a package that the format needs is missing.
      ValueError: an unknown format or endpoint, a path that ends otherwise, or an endpoint that the format cannot hold:
        all that draw random numbers, the loops of autoregressive directions in LiteRT and those of a transformer,
        operations without a counterpart.

    Example:

    >>> import tempfile, tensorflow as tf
    >>> from tfflows.models import RealNVP
    >>> flow, folder = RealNVP(event_shape=(2,), num_layers=2), tempfile.mkdtemp()
    >>> flow.export(folder)
    >>> served = tf.saved_model.load(folder)
    >>> served.log_prob(tf.zeros([3, 2])).shape.as_list(), served.sample(5).shape.as_list()
    ([3], [5, 2])
    """
    endpoints.write(flow, _endpoints(flow), path, format=format, verbose=verbose, **options)


def _endpoints(flow):
    dtype, event = flow.distribution.dtype, flow.event_shape
    base = flow.distribution.distribution
    x = tf.TensorSpec([None, *event], dtype, name="x")
    z = tf.TensorSpec([None, *base.event_shape], dtype, name="z")
    integers = tf.TensorSpec([None, *event], tf.int32, name="x")
    context, usual = (), 0
    if flow.num_classes is not None:
        context = (tf.TensorSpec([None], tf.int32, name="context"),)
    elif flow.context_size is not None:
        kept = [each for each in keras_layers_of(flow.bijector) if isinstance(each, ContextStandardization)]
        wide = tf.float64 if any(each.needs_float64 for each in kept) else dtype
        context = (tf.TensorSpec([None, flow.context_size], wide, name="context"),)
        usual = kept[0].location.numpy() if len(kept) == 1 else 0  # far from it a flow may be badly conditioned
    count, (seed, temperature) = endpoints.count("n"), endpoints.defaults()

    def log_prob(x, context=None):
        return flow.log_prob(x, context)

    def discrete_log_prob(x, seed=seed, context=None):
        return flow.log_prob(x, context, seed=saved_model.seed_of(seed))

    def sample(n, seed=seed, temperature=temperature, context=None):
        return flow.sample(n, context=context, seed=saved_model.seed_of(seed), temperature=temperature)

    def forward(z, context=None):
        with precision.full():
            return flow.bijector.forward(z, **flow._context_kwargs(context))

    def inverse(x, context=None):
        with precision.full():
            return flow.bijector.inverse(x, **flow._context_kwargs(context))

    @functools.cache
    def examples():
        given = [tf.zeros([_TRIED_ON, *each.shape[1:]], each.dtype) + tf.cast(usual, each.dtype) for each in context]
        z = base.sample(_TRIED_ON, seed=[0, 0])
        return tuple([each.numpy() for each in (first, *given)] for first in (z, tf.identity(forward(z, *given))))

    def without_context(function):
        return function if context else functools.partial(function, context=None)

    found = {
        "log_prob": Endpoint(without_context(log_prob), [x, *context], lambda: examples()[1]),
        "sample": Endpoint(without_context(sample), [count, endpoints.SEED, endpoints.TEMPERATURE, *context]),
        "forward": Endpoint(without_context(forward), [z, *context], lambda: examples()[0]),
        "inverse": Endpoint(without_context(inverse), [x, *context], lambda: examples()[1]),
    }
    if flow.dequantization is None:
        return found
    return {
        "discrete_log_prob": Endpoint(without_context(discrete_log_prob), [integers, endpoints.SEED, *context]),
        **found,
    }
