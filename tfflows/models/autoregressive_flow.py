"""Masked and inverse autoregressive flows."""

import keras
import numpy as np
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import vectors
from tfflows.models.options import Option, log_scale_bound, shared

tfb = tfp.bijectors


@keras.saving.register_keras_serializable("tfflows")
class AutoregressiveFlow(vectors.LayeredFlow):
    """Affine autoregressive layers over a standard normal: masked (MAF), or inverse (IAF), for events of any shape.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), then `num_layers`
    layers `bijectors.MaskedAutoregressive` with a `networks.MADE` each, whose order of the entries is turned round from
    one to the next.

    With `parallel="inverse"` a log-probability is one pass of each network and a sample `D` steps (MAF, for density
    estimation); with `parallel="forward"` each layer is turned round, so that a sample is one pass and a
    log-probability of given data `D` steps (IAF).

    Raises:
      ValueError: an unknown event shape, sizes below 1, unknown names, a bad context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import AutoregressiveFlow
    >>> x = np.random.default_rng(0).normal(size=(256, 3)).astype("float32")
    >>> flow = AutoregressiveFlow(num_layers=2, hidden_units=(16,))
    >>> flow.compile("adam")
    >>> history = flow.fit(x, verbose=0)
    >>> flow.event_shape, flow.log_prob(x).shape.as_list()
    ((3,), [256])

    References:
      Papamakarios, Pavlakou, Murray. Masked autoregressive flow for density estimation. NeurIPS 2017, arXiv 1705.07057.
      Kingma, Salimans, Jozefowicz, Chen, Sutskever, Welling. Improving variational inference with inverse
      autoregressive flow. NeurIPS 2016, arXiv 1606.04934.
    """

    options = {
        "event_shape": Option(
            None, "shape of an event, one entry or more; `None` to learn it from the first `fit`.", convert=tuple
        ),
        **shared("num_layers", "hidden_units"),
        "parallel": Option(
            "inverse", '"inverse" or "forward", the direction that is fast.', among=("inverse", "forward")
        ),
        "order": Option(
            "reversed",
            '"reversed" (as the entries come, then reversed, and so on) or "random" (another order in each layer).',
            among=("reversed", "random"),
        ),
        **shared("mixing", "tails", "whiten", "residual", "context_size", "num_classes", "activation"),
        "log_scale_bound": Option(
            None,
            f"name or limit, see `ops.numerics.log_scale_bound`; `None` for {vectors.LIMIT_OF_SCALES}",
            convert=log_scale_bound,
        ),
        **shared("seed", "name", "dtype", name="autoregressive_flow"),
    }

    def layer(self, i, size, rng):
        order = rng.permutation(size) if self.order == "random" else np.arange(size)[:: -1 if i % 2 else 1]
        network = networks.MADE(size, num_outputs=2, order=order, **self.layer_network_options(i, "network"))
        bound = vectors.limit_of_scales(self.num_layers) if self.log_scale_bound is None else self.log_scale_bound
        layer = bijectors.MaskedAutoregressive(network, log_scale_bound=bound, name=f"layer_{i}")
        return layer if self.parallel == "inverse" else tfb.Invert(layer, name=f"inverse_layer_{i}")
