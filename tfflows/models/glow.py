"""Glow."""

import keras
import numpy as np

from tfflows import bijectors, networks
from tfflows.models import images
from tfflows.models.architecture import Architecture
from tfflows.models.options import Option, shared
from tfflows.ops import masks, seeds

_COUPLINGS = {"affine": (bijectors.AffineCoupling, 2), "additive": (bijectors.AdditiveCoupling, 1)}
_STORED_STEPS = 8  # at most, with reversible="auto"; see benchmarks/depth.py


@keras.saving.register_keras_serializable("tfflows")
class Glow(Architecture):
    """Glow: multi-scale flow of actnorm, invertible 1x1 convolution and coupling, over images of integers.

    From data to latent: dequantization, `x / levels - 1/2`, then `num_levels` times: squeeze (2 x 2 pixels become
    channels), `steps_per_level` steps, and all but the last time half of the channels are factored out, with a Gaussian
    prior given the other half (`FactorOut`). What is left has a learned Gaussian prior. All of this is a bijector from
    a standard normal, so `sample(temperature=)` scales every prior.

    A step is actnorm, a mixing of channels, and a coupling whose network is a 3x3, a 1x1 and a zero-initialised 3x3
    convolution (`networks.ConvNet`). A context reaches every network, and every prior.

    The defaults are those of the paper for CIFAR-10 (44.5 million weights); width 128 and 8 steps suit two CPU cores.

    Raises:
      ValueError: an image shape that the levels do not divide, sizes below 1, or unknown names.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import Glow
    >>> glow = Glow((8, 8, 1), num_levels=2, steps_per_level=2, hidden_filters=16, num_classes=10, discrete_levels=17)
    >>> glow.compile("adam")
    >>> images, labels = np.zeros([16, 8, 8, 1], "uint8"), np.arange(16) % 10
    >>> history = glow.fit(images, labels, verbose=0)
    >>> glow.sample(2, context=np.array([3, 7])).shape.as_list()
    [2, 8, 8, 1]

    References:
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039.
    """

    adapt_examples = 256

    options = {
        **images.shape_option("height and width multiples of `2 ** num_levels`"),
        "num_levels": Option(3, "int, number of scales.", least=1),
        "steps_per_level": Option(32, "int, steps of flow in each.", least=1),
        "hidden_filters": Option(512, "int, filters of the two hidden layers of every network.", least=1),
        "coupling": Option("affine", '"affine" or "additive".', among=tuple(_COUPLINGS)),
        "mixing": Option(
            "plu",
            'of channels before each coupling: "plu" or "plain" (`InvertibleConv`), "shuffle" (a fixed random '
            'permutation, one for each level) or "reverse".',
            among=("plu", "plain", "shuffle", "reverse"),
        ),
        "whiten": Option(
            False,
            "bool, whether `adapt` lets the first mixing of a level whiten the data, and the next ones what it leaves. "
            "On photographs it saves hundreds of steps (`benchmarks/image_likelihood.py`); where some pixels hardly "
            "ever vary, as in digits, a rotation is the better start.",
        ),
        "learned_prior": Option(True, "bool, whether the last scale's prior is learned; with a context it is."),
        **shared("discrete_levels", "num_bits", "dequantization", "preprocessing"),
        **shared("num_classes", "context_size", "log_scale_bound"),
        "reversible": Option(
            "auto",
            "bool, whether training evaluates every step a second time, in one loop a level, instead of storing what "
            "its gradient needs (`Repeated`): in deep flows a fraction of the memory and of the time to compile, for "
            'about a quarter more time a step. "auto": from 9 steps per level on.',
            among=("auto", True, False),
        ),
        **shared("seed", "name", "dtype", name="glow"),
    }

    def checked_shape(self, event_shape):
        return super().checked_shape(images.check_image_shape(event_shape, 2**self.num_levels))

    def links(self, image_shape):
        return [*images.preprocessing(self, image_shape), self._scale(image_shape, 0, self.bijection_dtype.name)]

    def _scale(self, image_shape, level, dtype):
        """The flow of images of this shape: this level, the next ones inside."""
        height, width, channels = image_shape
        shape = (height // 2, width // 2, 4 * channels)
        seed = seeds.given_or_drawn(seeds.plus(self.seed, level))
        step = self._step(shape, level, seed, dtype)
        # Of a reversible loop every step's input is stored: it is small beside what the networks would store.
        auto = self.steps_per_level > _STORED_STEPS
        options = {"checkpoint_every": 1, "reversible": auto if self.reversible == "auto" else self.reversible}
        steps = [bijectors.Repeated(step, self.steps_per_level, seed=seed, **options, name=f"steps_{level}")]
        kept = shape[-1] // 2
        if level + 1 < self.num_levels:
            prior = bijectors.AffineCoupling(
                masks.channel_half(shape), self._network(shape[-1], (), f"split_{level}"), name=f"split_prior_{level}"
            )
            inner = self._scale((*shape[:2], kept), level + 1, dtype)
            steps += [prior, bijectors.FactorOut(inner, kept, name=f"factor_out_{level}")]
        elif self.learned_prior or self.conditional:
            options = {"conditioner": self._prior(shape[-1]), "dtype": dtype, "name": "top_prior"}
            steps.append(bijectors.DiagonalAffine(shape, **options))
        return images.squeezed(steps, name=f"level_{level}")

    def _step(self, shape, level, seed, dtype):
        """One step of flow, data end first."""
        coupling, num_parameters = _COUPLINGS[self.coupling]
        options = {"log_scale_bound": self.log_scale_bound} if self.coupling == "affine" else {}
        width = (self.hidden_filters, self.hidden_filters)
        network = self._network(num_parameters * (shape[-1] // 2), width, f"step_{level}", seed)
        return bijectors.Chain(
            [
                bijectors.ActNorm(shape, dtype=dtype),
                self._mixing(shape, seed, dtype),
                coupling(masks.channel_half(shape), network, **options),
            ]
        )

    def _mixing(self, shape, seed, dtype):
        if self.mixing in ("plu", "plain"):
            options = {"parametrization": self.mixing, "whiten": self.whiten}
            return bijectors.InvertibleConv(shape, **options, dtype=dtype, seed=seed)
        order = np.arange(shape[-1])[::-1]
        if self.mixing == "shuffle":
            order = np.random.default_rng(seed).permutation(shape[-1])
        return bijectors.Permutation(order)

    def _network(self, filters, hidden_filters, name, seed=None):
        options = {"hidden_filters": hidden_filters, "seed": seed, **self.network_options(f"network_{name}")}
        return networks.ConvNet(filters, **options)

    def _prior(self, channels):
        """From the context to shift and log-scale of each channel of the top prior; `None` without context."""
        return networks.ContextLinear(2 * channels, **self.network_options("top_prior")) if self.conditional else None
