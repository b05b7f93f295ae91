"""Masked and inverse autoregressive flows."""

import keras
import numpy as np
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import images, vectors
from tfflows.models.flow_model import FlowModel

tfb = tfp.bijectors


@keras.saving.register_keras_serializable("tfflows")
class AutoregressiveFlow(FlowModel):
    """Affine autoregressive layers over a standard normal: masked (MAF), or inverse (IAF), for events of any shape.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), then `num_layers`
    layers `bijectors.MaskedAutoregressive` with a `networks.MADE` each, whose order of the entries is turned round from
    one to the next.

    With `parallel="inverse"` a log-probability is one pass of each network and a sample `D` steps (MAF, for density
    estimation); with `parallel="forward"` each layer is turned round, so that a sample is one pass and a
    log-probability of given data `D` steps (IAF).

    Args:
      event_shape: shape of an event, one entry or more; `None` to learn it from the first `fit`.
      num_layers: int, at least 1.
      hidden_units: widths of the hidden layers of each network.
      parallel: "inverse" or "forward", the direction that is fast.
      order: "reversed" (as the entries come, then reversed, and so on) or "random" (another order in each layer).
      mixing: what stands between layers: "none", "permutation", "lu" or "householder", see `models.vectors.mixing`.
      tails: bool, a learned `bijectors.TailTransform` nearest to the data.
      residual: bool, skip connections in the networks.
      context_size: int, size of a float context that every network receives; `None` for none.
      num_classes: int, number of classes for a class-conditional flow; `None` for none.
      activation: hidden activation.
      log_scale_bound: see `ops.numerics.log_scale_bound`.
      seed: int, of the orders and the initial weights; `None` takes the weights from Keras's global seed.
      name: str.
      dtype: Keras precision policy.

    Raises:
      ValueError: an unknown event shape, sizes below 1, unknown names, a bad context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import AutoregressiveFlow
    >>> flow = AutoregressiveFlow(event_shape=(3,), num_layers=2, hidden_units=(16,))
    >>> flow.compile("adam")
    >>> history = flow.fit(np.random.default_rng(0).normal(size=(256, 3)).astype("float32"), verbose=0)
    >>> flow.sample(5, seed=0).shape.as_list()
    [5, 3]

    References:
      Papamakarios, Pavlakou, Murray. Masked autoregressive flow for density estimation. NeurIPS 2017, arXiv 1705.07057.
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934.
    """

    def __init__(
        self,
        event_shape=None,
        *,
        num_layers=5,
        hidden_units=(64, 64),
        parallel="inverse",
        order="reversed",
        mixing="none",
        tails=False,
        residual=False,
        context_size=None,
        num_classes=None,
        activation="relu",
        log_scale_bound="tanh",
        seed=None,
        name="autoregressive_flow",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        networks.at_least_one(num_layers=num_layers, hidden_units=tuple(hidden_units))
        if parallel not in ("inverse", "forward"):
            raise ValueError(f'`parallel` must be "inverse" or "forward". Received: {parallel!r}')
        if order not in ("reversed", "random"):
            raise ValueError(f'`order` must be "reversed" or "random". Received: {order!r}')
        vectors.check_mixing(mixing)
        self.num_layers, self.hidden_units, self.residual = num_layers, tuple(hidden_units), residual
        self.parallel, self.order, self.mixing, self.tails = parallel, order, mixing, tails
        self.activation = keras.activations.get(activation)
        self.log_scale_bound, self.seed = log_scale_bound, seed
        if event_shape is not None:
            self.build((None, *event_shape))

    def make_distribution(self, event_shape):
        dtype = images.bijection_dtype(self.dtype_policy)
        size, rng = vectors.flat_size(event_shape, least=1), np.random.default_rng(self.seed or 0)
        links = [bijectors.TailTransform([size], dtype=dtype.name, name="tails")] if self.tails else []
        for i in range(self.num_layers):
            links += vectors.mixing(self.mixing, i, size, rng=rng, dtype=dtype)
            links.append(self._layer(i, size, rng))
        return vectors.distribution(event_shape, links, dtype=dtype, name=self.name)

    def _layer(self, i, size, rng):
        order = rng.permutation(size) if self.order == "random" else np.arange(size)[:: -1 if i % 2 else 1]
        network = networks.MADE(
            size,
            num_outputs=2,
            hidden_units=self.hidden_units,
            order=order,
            context_size=self.context_size,
            num_classes=self.num_classes,
            activation=self.activation,
            residual=self.residual,
            seed=None if self.seed is None else self.seed + 1000 * i,
            dtype=self.dtype_policy,
            name=f"network_{i}",
        )
        layer = bijectors.MaskedAutoregressive(network, log_scale_bound=self.log_scale_bound, name=f"layer_{i}")
        return layer if self.parallel == "inverse" else tfb.Invert(layer, name=f"inverse_layer_{i}")

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "event_shape": None if self._flow is None else list(self.event_shape),
            "num_layers": self.num_layers,
            "hidden_units": list(self.hidden_units),
            "parallel": self.parallel,
            "order": self.order,
            "mixing": self.mixing,
            "tails": self.tails,
            "residual": self.residual,
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "log_scale_bound": self.log_scale_bound,
            "seed": self.seed,
        }
