"""RealNVP, for vectors and for images."""

import keras
import numpy as np

from tfflows import bijectors, networks
from tfflows.models import images, vectors
from tfflows.models.architecture import Architecture
from tfflows.models.options import Option, log_scale_bound, only_for, shared
from tfflows.ops import masks

_IMAGE_COUPLINGS, _LAST_COUPLINGS = 3, 4  # of one kind at a scale, and at the last: section 3.6


@keras.saving.register_keras_serializable("tfflows")
class RealNVP(Architecture):
    """RealNVP: affine couplings over a standard normal, for vector events and for images of integers.

    **Vectors** `(D,)`. From data to latent: standardisation (set by `adapt`, so densities stay in the data's units),
    learned tails and whitening if there are to be any, then `num_layers` affine couplings. Each copies one half and
    transforms the other; the halves swap from one to the next, and for more than 2 dimensions a fixed random
    permutation follows every second one.

    **Images** `(H, W, C)`. From data to latent: dequantization, the logit of `0.05 + 0.9 x / levels`, then `num_levels`
    scales. Each but the last has three couplings with checkerboard masks, a squeeze, three with channel masks, and
    factors out half of the channels; the last has four checkerboard couplings. Networks are residual
    (`networks.ConvResNet`). Actnorm follows every coupling where the paper normalizes by batch, so that the likelihood
    of an image does not depend on the others in its batch. The defaults are the paper's for CIFAR-10.

    An option of vectors alone (`num_layers`, `hidden_units`, `residual`, `tails`, `whiten`) or of images alone is
    refused for the others, when the shape is known. `dequantization` of vectors is a
    `layers.Dequantization` for integers, or none.

    Raises:
      ValueError: an event that is neither a vector of 2 or more nor an image that the levels divide, both shapes given,
        fewer than 2 layers, sizes below 1, unknown names, a bad context size, an option of images for vectors or the
        other way round.

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

    options = {
        "event_shape": Option(
            None, "`(D,)` with `D >= 2`, or as `image_shape`; `None` to learn it from the first `fit`.", convert=tuple
        ),
        **images.shape_option("height and width multiples of `2 ** (num_levels - 1)`"),
        "num_layers": Option(8, "int >= 2, number of couplings of vectors.", least=2, ndims=1),
        **only_for(1, shared("hidden_units", "residual", "tails", "whiten")),
        "num_levels": Option(2, "int, number of scales of images.", least=1, ndims=3),
        "hidden_filters": Option(
            64,
            "int, filters of the residual networks of the first scale's checkerboard couplings of images; twice as "
            "many after every squeeze, as in the published code.",
            least=1,
            ndims=3,
        ),
        "num_blocks": Option(8, "int, residual blocks of each network of images.", least=1, ndims=3),
        **only_for(3, shared("discrete_levels", "num_bits")),
        **shared("dequantization"),
        **only_for(3, shared("preprocessing", preprocessing="logit")),
        **shared("context_size", "num_classes", "activation"),
        "log_scale_bound": Option(
            None,
            "name or limit, of the couplings, see `ops.numerics.log_scale_bound`; `None` for 3 of images, and "
            + vectors.LIMIT_OF_SCALES,
            convert=log_scale_bound,
        ),
        **shared("seed", "name", "dtype", name="real_nvp"),
    }

    @property
    def adapt_examples(self):
        """Examples, at most, that `adapt` looks at: fewer images, as all run through the networks at once."""
        return 2048 if self.built and len(self.event_shape) == 3 else super().adapt_examples

    def checked_shape(self, event_shape):
        if len(event_shape) != 3 and not (len(event_shape) == 1 and (event_shape[0] or 0) >= 2):
            raise ValueError(
                "`event_shape` must be (D,) with D of at least 2, or (height, width, channels). "
                f"Received: {event_shape}{vectors.ONE_ENTRY if event_shape in ((), (1,)) else ''}"
            )
        shape = super().checked_shape(event_shape)
        return shape if len(shape) == 1 else images.check_image_shape(shape, 2 ** (self.num_levels - 1))

    def links(self, event_shape):
        if len(event_shape) == 1:
            return self._vector_links(*event_shape)
        return [*images.preprocessing(self, event_shape), *self._scale(event_shape, 0)]

    # -- vectors -----------------------------------------------------------------------------------------------
    def _vector_links(self, size):
        rng = np.random.default_rng(self.seed or 0)
        links = vectors.standardising(self, size)
        for i in range(self.num_layers):
            mask = masks.half(size, flip=i % 2 == 1)
            links.append(self._coupling(mask, self._conditioner(2 * int((~mask).sum()), i), f"coupling_{i}"))
            if size > 2 and i % 2 == 1 and i + 1 < self.num_layers:
                links.append(bijectors.Permutation(rng.permutation(size), name=f"permutation_{i}"))
        return links

    def _coupling(self, mask, conditioner, name):
        bound = self.log_scale_bound
        if bound is None:
            bound = "tanh" if mask.ndim == 3 else vectors.limit_of_scales(self.num_layers)
        return bijectors.AffineCoupling(mask, conditioner, log_scale_bound=bound, name=name)

    def _conditioner(self, units, i):
        options = {"hidden_units": self.hidden_units, "activation": self.activation, "residual": self.residual}
        return networks.MLP(units, **options, **self.network_options(f"conditioner_{i}", 1000 * i))

    # -- images ------------------------------------------------------------------------------------------------
    def _scale(self, shape, level):
        """The links of images of this shape: this scale, the next ones inside."""
        last = level + 1 == self.num_levels
        links = self._couplings(masks.checkerboard, shape, _LAST_COUPLINGS if last else _IMAGE_COUPLINGS, level)
        if last:
            return links
        height, width, channels = shape
        squeezed = (height // 2, width // 2, 4 * channels)
        steps = self._couplings(masks.channel_half, squeezed, _IMAGE_COUPLINGS, level)
        # Of each block's four pixels a diagonal pair stays, the other is factored out (the paper's ordering).
        diagonal = np.array([0, 3, 1, 2])[:, None] * channels + np.arange(channels)
        kept = (*squeezed[:2], 2 * channels)
        inner = bijectors.Chain(self._scale(kept, level + 1), name=f"level_{level + 1}")
        steps.append(bijectors.Permutation(np.argsort(diagonal.ravel()), name=f"diagonal_{level}"))
        steps.append(bijectors.FactorOut(inner, kept[-1], name=f"factor_out_{level}"))
        return [*links, images.squeezed(steps, name=f"squeezed_{level}")]

    def _couplings(self, mask_of, shape, count, level):
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
                activation=self.activation,
                **self.network_options(f"network_{name}", 100 * number),
            )
            links.append(bijectors.ActNorm(shape, dtype=self.bijection_dtype.name, name=f"actnorm_{name}"))
            links.append(self._coupling(mask, network, f"coupling_{name}"))
        return links
