"""Glow."""

import keras
import numpy as np
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import images
from tfflows.models.flow_model import FlowModel
from tfflows.ops import masks

tfd = tfp.distributions

_COUPLINGS = {"affine": (bijectors.AffineCoupling, 2), "additive": (bijectors.AdditiveCoupling, 1)}
_MIXINGS = ("plu", "plain", "shuffle", "reverse")
_STORED_STEPS = 8  # at most, with reversible="auto"; see benchmarks/depth.py


@keras.saving.register_keras_serializable("tfflows")
class Glow(FlowModel):
    """Glow: multi-scale flow of actnorm, invertible 1x1 convolution and coupling, over images of integers.

    From data to latent: dequantization, `x / levels - 1/2`, then `num_levels` times: squeeze (2 x 2 pixels become
    channels), `steps_per_level` steps, and all but the last time half of the channels are factored out, with a Gaussian
    prior given the other half (`FactorOut`). What is left has a learned Gaussian prior. All of this is a bijector from
    a standard normal, so `sample(temperature=)` scales every prior.

    A step is actnorm, a mixing of channels, and a coupling whose network is a 3x3, a 1x1 and a zero-initialised 3x3
    convolution (`networks.ConvNet`). A context reaches every network, and every prior.

    The defaults are those of the paper for CIFAR-10 (44.5 million weights); width 128 and 8 steps suit two CPU cores.

    Args:
      image_shape: `(H, W, C)`, height and width multiples of `2 ** num_levels`; `None` to learn it from the first
        `fit`.
      num_levels: int, number of scales.
      steps_per_level: int, steps of flow in each.
      hidden_filters: int, filters of the two hidden layers of every network.
      coupling: "affine" or "additive".
      mixing: of channels before each coupling: "plu" or "plain" (`InvertibleConv`), "shuffle" (a fixed random
        permutation, one for each level) or "reverse".
      whiten: bool, whether `adapt` lets the first mixing of a level whiten the data, and the next ones what it
        leaves. On photographs it saves hundreds of steps (`benchmarks/image_likelihood.py`); where some pixels hardly
        ever vary, as in digits, a rotation is the better start.
      learned_prior: bool, whether the last scale's prior is learned; with a context it is.
      discrete_levels: int, pixels are integers from 0 to this minus 1.
      num_bits: int, bits that are kept of a pixel (5 in the paper's large images); `None` for all.
      dequantization: "uniform", "variational", a `layers.Dequantization`, or `None` for images of reals, standardised.
      preprocessing: "scale" or "logit", see `RealNVP`.
      num_classes: int, number of classes of a class-conditional flow; `None` for none.
      context_size: int, size of a float context; `None` for none.
      log_scale_bound: of affine couplings, see `ops.numerics.log_scale_bound`.
      reversible: bool, whether training evaluates every step a second time, in one loop a level, instead of storing
        what its gradient needs (`Repeated`): in deep flows a fraction of the memory and of the time to compile, for
        about a quarter more time a step. "auto": from 9 steps per level on.
      seed: int, of rotations, permutations, initial weights and noise; `None` follows Keras's global seed.
      name: str.
      dtype: Keras precision policy.

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

    def __init__(
        self,
        image_shape=None,
        *,
        num_levels=3,
        steps_per_level=32,
        hidden_filters=512,
        coupling="affine",
        mixing="plu",
        whiten=False,
        learned_prior=True,
        discrete_levels=256,
        num_bits=None,
        dequantization="uniform",
        preprocessing="scale",
        num_classes=None,
        context_size=None,
        log_scale_bound="tanh",
        reversible="auto",
        seed=None,
        name="glow",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        networks.at_least_one(num_levels=num_levels, steps_per_level=steps_per_level, hidden_filters=hidden_filters)
        for argument, value, known in (("coupling", coupling, _COUPLINGS), ("mixing", mixing, _MIXINGS)):
            if value not in known:
                raise ValueError(f"`{argument}` must be one of {list(known)}. Received: {value!r}")
        self.num_levels, self.steps_per_level, self.hidden_filters = num_levels, steps_per_level, hidden_filters
        self.coupling, self.mixing, self.whiten, self.learned_prior = coupling, mixing, whiten, learned_prior
        self.discrete_levels, self.num_bits = discrete_levels, num_bits
        self.dequantization_kind, self.preprocessing = dequantization, preprocessing
        if reversible not in ("auto", True, False):
            raise ValueError(f'`reversible` must be "auto" or a bool. Received: {reversible!r}')
        self.log_scale_bound, self.reversible = log_scale_bound, reversible
        self.seed = seed
        if image_shape is not None:
            self.build((None, *image_shape))

    def make_distribution(self, image_shape):
        shape = images.check_image_shape(image_shape, 2**self.num_levels)
        dtype = images.bijection_dtype(self.dtype_policy)
        self.dequantization, start = images.prepare(self, shape, dtype)
        flow = bijectors.Chain([*start, self._scale(shape, 0, dtype.name)], name="glow")
        return tfd.TransformedDistribution(images.standard_normal(shape, dtype), flow, name=self.name)

    def _scale(self, image_shape, level, dtype):
        """The flow of images of this shape: this level, the next ones inside."""
        height, width, channels = image_shape
        shape = (height // 2, width // 2, 4 * channels)
        seed = int(keras.random.randint((), 0, 2**31 - 1)) if self.seed is None else self.seed + level
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
            conditioner = images.prior_conditioner(
                shape[-1], context_size=self.context_size, num_classes=self.num_classes, dtype=self.dtype_policy
            )
            steps.append(bijectors.DiagonalAffine(shape, conditioner=conditioner, dtype=dtype, name="top_prior"))
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
        return networks.ConvNet(
            filters,
            hidden_filters=hidden_filters,
            context_size=self.context_size,
            num_classes=self.num_classes,
            seed=seed,
            dtype=self.dtype_policy,
            name=f"network_{name}",
        )

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "image_shape": None if self._flow is None else list(self.event_shape),
            "num_levels": self.num_levels,
            "steps_per_level": self.steps_per_level,
            "hidden_filters": self.hidden_filters,
            "coupling": self.coupling,
            "mixing": self.mixing,
            "whiten": self.whiten,
            "learned_prior": self.learned_prior,
            "discrete_levels": self.discrete_levels,
            "num_bits": self.num_bits,
            "dequantization": keras.saving.serialize_keras_object(self.dequantization_kind),
            "preprocessing": self.preprocessing,
            "num_classes": self.num_classes,
            "context_size": self.context_size,
            "log_scale_bound": self.log_scale_bound,
            "reversible": self.reversible,
            "seed": self.seed,
        }
