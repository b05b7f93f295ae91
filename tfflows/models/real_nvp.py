"""RealNVP, for vectors and for images."""

import keras
import numpy as np
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import images
from tfflows.models.flow_model import FlowModel
from tfflows.ops import masks

tfd = tfp.distributions

_IMAGE_COUPLINGS, _LAST_COUPLINGS = 3, 4  # of one kind at a scale, and at the last: section 3.6


@keras.saving.register_keras_serializable("tfflows")
class RealNVP(FlowModel):
    """RealNVP: affine couplings over a standard normal, for vector events and for images of integers.

    **Vectors** `(D,)`. From data to latent: standardisation (set by `adapt`, so densities stay in the data's units),
    then `num_layers` affine couplings. Each copies one half and transforms the other; the halves swap from one to the
    next, and for more than 2 dimensions a fixed random permutation follows every second one.

    **Images** `(H, W, C)`. From data to latent: dequantization, the logit of `0.05 + 0.9 x / levels`, then `num_levels`
    scales. Each but the last has three couplings with checkerboard masks, a squeeze, three with channel masks, and
    factors out half of the channels; the last has four checkerboard couplings. Networks are residual
    (`networks.ConvResNet`). Actnorm follows every coupling where the paper normalizes by batch, so that the likelihood
    of an image does not depend on the others in its batch. The defaults are the paper's for CIFAR-10.

    Args:
      event_shape: `(D,)` with `D >= 2`, or as `image_shape`; `None` to learn it from the first `fit`.
      image_shape: `(H, W, C)`, height and width multiples of `2 ** (num_levels - 1)`.
      num_layers: int >= 2, number of couplings of vectors.
      hidden_units: widths of the hidden layers of each conditioner of vectors.
      residual: bool, skip connections in the conditioners of vectors.
      num_levels: int, number of scales of images.
      hidden_filters: int, filters of the residual networks of the first scale's checkerboard couplings; twice as many
        after every squeeze, as in the published code.
      num_blocks: int, residual blocks of each network.
      discrete_levels: int, pixels are integers from 0 to this minus 1.
      num_bits: int, bits that are kept of a pixel; `None` for all.
      dequantization: of images: "uniform", "variational", a `layers.Dequantization`, or `None` for images of reals.
        Of vectors: a `layers.Dequantization` for integers; a name stands for none.
      preprocessing: of images: "logit" as above, or "scale" to `x / levels - 1/2`.
      context_size: int, size of a float context that every conditioner receives; `None` for none.
      num_classes: int, number of classes for a class-conditional flow; `None` for none.
      activation: hidden activation of the conditioners.
      log_scale_bound: see `ops.numerics.log_scale_bound`.
      seed: int, of the permutations and the initial weights; `None` takes the weights from Keras's global seed.
      name: str.
      dtype: Keras precision policy.

    Raises:
      ValueError: an event that is neither a vector of 2 or more nor an image that the levels divide, both shapes given,
        fewer than 2 layers, sizes below 1, unknown names, a bad context size.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import RealNVP
    >>> flow = RealNVP(event_shape=(2,), num_layers=4, hidden_units=(32,))
    >>> flow.compile("adam")
    >>> history = flow.fit(np.random.default_rng(0).normal(size=(256, 2)).astype("float32"), verbose=0)
    >>> flow.sample(5, seed=0).shape.as_list()
    [5, 2]

    References:
      Dinh, Sohl-Dickstein, Bengio. Density estimation using Real NVP. ICLR 2017, arXiv 1605.08803.
    """

    def __init__(
        self,
        event_shape=None,
        *,
        image_shape=None,
        num_layers=8,
        hidden_units=(64, 64),
        residual=False,
        num_levels=2,
        hidden_filters=64,
        num_blocks=8,
        discrete_levels=256,
        num_bits=None,
        dequantization="uniform",
        preprocessing="logit",
        context_size=None,
        num_classes=None,
        activation="relu",
        log_scale_bound="tanh",
        seed=None,
        name="real_nvp",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        if not isinstance(num_layers, int) or num_layers < 2:
            raise ValueError(f"`num_layers` must be an integer of at least 2. Received: {num_layers!r}")
        networks.at_least_one(num_levels=num_levels, hidden_filters=hidden_filters, num_blocks=num_blocks)
        if event_shape is not None and image_shape is not None:
            raise ValueError(
                "Give the shape of the events once. Received: "
                f"event_shape={tuple(event_shape)}, image_shape={tuple(image_shape)}"
            )
        self.num_layers, self.hidden_units, self.residual = num_layers, tuple(hidden_units), residual
        self.num_levels, self.hidden_filters, self.num_blocks = num_levels, hidden_filters, num_blocks
        self.discrete_levels, self.num_bits = discrete_levels, num_bits
        self.dequantization_kind, self.preprocessing = dequantization, preprocessing
        self.activation = keras.activations.get(activation)
        self.log_scale_bound = log_scale_bound
        self.seed = seed
        shape = event_shape if image_shape is None else images.check_image_shape(image_shape, 1)
        if shape is not None:
            self.build((None, *shape))

    def make_distribution(self, event_shape):
        dtype = images.bijection_dtype(self.dtype_policy)
        if len(event_shape) == 3:
            links = self._image_links(event_shape, dtype)
        elif len(event_shape) == 1 and event_shape[0] is not None and event_shape[0] >= 2:
            links = self._vector_links(event_shape[0], dtype)
        else:
            raise ValueError(
                "`event_shape` must be (D,) with D of at least 2, or (height, width, channels). "
                f"Received: {tuple(event_shape)}"
            )
        return tfd.TransformedDistribution(
            images.standard_normal(event_shape, dtype), bijectors.Chain(links), name=self.name
        )

    # -- vectors -----------------------------------------------------------------------------------------------
    def _vector_links(self, size, dtype):
        self.dequantization = None if isinstance(self.dequantization_kind, str) else self.dequantization_kind
        rng = np.random.default_rng(self.seed or 0)
        links = [bijectors.ActNorm([size], trainable=False, dtype=dtype.name, name="standardize")]
        for i in range(self.num_layers):
            mask = masks.half(size, flip=i % 2 == 1)
            links.append(self._coupling(mask, self._conditioner(2 * int((~mask).sum()), i), f"coupling_{i}"))
            if size > 2 and i % 2 == 1 and i + 1 < self.num_layers:
                links.append(bijectors.Permutation(rng.permutation(size), name=f"permutation_{i}"))
        return links

    def _coupling(self, mask, conditioner, name):
        return bijectors.AffineCoupling(mask, conditioner, log_scale_bound=self.log_scale_bound, name=name)

    def _conditioner(self, units, i):
        return networks.MLP(
            units,
            hidden_units=self.hidden_units,
            context_size=self.context_size,
            num_classes=self.num_classes,
            activation=self.activation,
            residual=self.residual,
            seed=None if self.seed is None else self.seed + 1000 * i,
            dtype=self.dtype_policy,
            name=f"conditioner_{i}",
        )

    # -- images ------------------------------------------------------------------------------------------------
    def _image_links(self, image_shape, dtype):
        shape = images.check_image_shape(image_shape, 2 ** (self.num_levels - 1))
        self.dequantization, start = images.prepare(self, shape, dtype)
        return [*start, *self._scale(shape, 0, dtype.name)]

    def _scale(self, shape, level, dtype):
        """The links of images of this shape: this scale, the next ones inside."""
        last = level + 1 == self.num_levels
        links = self._couplings(masks.checkerboard, shape, _LAST_COUPLINGS if last else _IMAGE_COUPLINGS, level, dtype)
        if last:
            return links
        height, width, channels = shape
        squeezed = (height // 2, width // 2, 4 * channels)
        steps = self._couplings(masks.channel_half, squeezed, _IMAGE_COUPLINGS, level, dtype)
        # Of each block's four pixels a diagonal pair stays, the other is factored out (the paper's ordering).
        diagonal = np.array([0, 3, 1, 2])[:, None] * channels + np.arange(channels)
        kept = (*squeezed[:2], 2 * channels)
        inner = bijectors.Chain(self._scale(kept, level + 1, dtype), name=f"level_{level + 1}")
        steps += [
            bijectors.Permutation(np.argsort(diagonal.ravel()), name=f"diagonal_{level}"),
            bijectors.FactorOut(inner, kept[-1], name=f"factor_out_{level}"),
        ]
        return [*links, images.squeezed(steps, name=f"squeezed_{level}")]

    def _couplings(self, mask_of, shape, count, level, dtype):
        links = []
        for i in range(count):
            mask, name = mask_of(shape, flip=i % 2 == 1), f"{mask_of.__name__}_{level}_{i}"
            filters = 2 * (shape[-1] if mask_of is masks.checkerboard else int((~mask[0, 0]).sum()))
            after_squeeze = mask_of is masks.channel_half
            number = 1000 * level + 100 * after_squeeze + 10 * i
            network = networks.ConvResNet(
                filters,
                hidden_filters=self.hidden_filters * 2 ** (level + after_squeeze),
                num_blocks=self.num_blocks,
                context_size=self.context_size,
                num_classes=self.num_classes,
                activation=self.activation,
                seed=None if self.seed is None else self.seed + 100 * number,
                dtype=self.dtype_policy,
                name=f"network_{name}",
            )
            links += [
                bijectors.ActNorm(shape, dtype=dtype, name=f"actnorm_{name}"),
                self._coupling(mask, network, f"coupling_{name}"),
            ]
        return links

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "event_shape": None if self._flow is None else list(self.event_shape),
            "num_layers": self.num_layers,
            "hidden_units": list(self.hidden_units),
            "residual": self.residual,
            "num_levels": self.num_levels,
            "hidden_filters": self.hidden_filters,
            "num_blocks": self.num_blocks,
            "discrete_levels": self.discrete_levels,
            "num_bits": self.num_bits,
            "dequantization": keras.saving.serialize_keras_object(self.dequantization_kind),
            "preprocessing": self.preprocessing,
            "context_size": self.context_size,
            "num_classes": self.num_classes,
            "activation": keras.activations.serialize(self.activation),
            "log_scale_bound": self.log_scale_bound,
            "seed": self.seed,
        }
