"""Transformer autoregressive flow of images."""

import functools

import keras
import tensorflow as tf

from tfflows import arguments, bijectors, layers, networks
from tfflows.joint import as_called, keras_bijector
from tfflows.models import images
from tfflows.models.architecture import Architecture
from tfflows.models.options import Option, shared
from tfflows.networks.transformer import check_heads
from tfflows.ops import masks, precision, seeds


def _noise(value):
    """Keeps a number of at least 0, and `None` for 0."""
    arguments.check_number(0, noise=value)
    return value or None


@keras.saving.register_keras_serializable("tfflows")
class TransformerFlow(Architecture):
    """TarFlow: affine autoregressive flows over the patches of an image, each with a causal transformer.

    From data to latent: dequantization or noise, `x / levels - 1/2`, patches as tokens, a learned linear map of the
    entries of a patch and an actnorm, which `adapt` sets to whiten the data, and `num_flows` layers
    `bijectors.TransformerAutoregressive`, which take the tokens from the first to the last and from the last to the
    first in turn. A log-probability is one pass of each network. A sample is a loop over the tokens for each layer, a
    step of which evaluates one token (keys and values of those before it are kept).

    Given the tokens before, a layer leaves the entries of a token independent. What the paper leaves to its depth,
    small flows profit from having inside of a patch too: a learned linear map between layers, a rotation at the start,
    and before each layer `patch_couplings` affine couplings of the entries of each patch, each with such a map after
    it.

    With `noise` the flow is one of images with Gaussian noise (see `layers.GaussianAugmentation`), as in the paper:
    samples are better, above all with `sample(denoise=True)`, and likelihoods are those of noisy images. Without, it is
    one of dequantized images, whose bits per dimension compare with those of other flows.

    With `label_dropout` a class-conditional flow learns the density without a label too, which `sample(guidance=)`
    needs. (The paper's networks add the mean of the label vectors for no label; here nothing is added.)

    Raises:
      ValueError: an image shape that the patches do not divide, sizes below 1, noise that is negative or together with
        another dequantization, a label dropout outside [0, 1) or without classes.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import TransformerFlow
    >>> flow = TransformerFlow(
    ...     (8, 8, 1), patch_size=2, num_flows=2, num_blocks=1, units=16, noise=0.05, num_classes=10, label_dropout=0.1,
    ...     discrete_levels=17,
    ... )
    >>> flow.compile("adam")
    >>> images, labels = np.arange(1024).reshape([16, 8, 8, 1]).astype("uint8") % 17, np.arange(16) % 10
    >>> history = flow.fit(images, labels, verbose=0)
    >>> flow.sample(2, context=np.array([3, 7]), guidance=1.0, denoise=True).shape.as_list()
    [2, 8, 8, 1]

    References:
      Zhai, Zhang, Nakkiran, Berthelot, Gu, Zheng, Chen, Bautista, Jaitly, Susskind. Normalizing flows are capable
        generative models. ICML 2025, arXiv 2412.06329.
    """

    adapt_examples = 2048
    preprocessing = "scale"
    _guided = None

    options = {
        **images.shape_option("height and width multiples of `patch_size`"),
        "patch_size": Option(4, "int, side of a patch in pixels.", least=1),
        "num_flows": Option(4, "int, autoregressive layers.", least=1),
        "num_blocks": Option(4, "int, transformer blocks in each.", least=1),
        "units": Option(128, "int, width of the transformers.", least=1),
        "num_heads": Option(4, "int, heads of attention, a divisor of `units`.", least=1),
        "patch_couplings": Option(
            0,
            "int, couplings inside the patches before each layer, with one hidden layer of `units`; 0 for none, as in "
            "the paper.",
            least=0,
        ),
        "noise": Option(
            None,
            "float, standard deviation of the Gaussian noise where all levels span 1 (the paper's 0.05, of images in "
            "[-1, 1], is 0.025 here); `None` or 0 for dequantization.",
            convert=_noise,
        ),
        **shared("dequantization", "discrete_levels", "num_bits", "num_classes", "context_size"),
        "label_dropout": Option(0.0, "float, probability that a training example's label is left out."),
        **shared("log_scale_bound", "seed", "name", "dtype", name="transformer_flow"),
    }

    def check_options(self):
        check_heads(self.units, self.num_heads)
        if self.noise and self._values["dequantization"] != "uniform":
            raise ValueError(
                f"`noise` stands in the place of a dequantization. Received: noise={self.noise} and "
                f"dequantization={self._values['dequantization']!r}"
            )
        if not 0 <= self.label_dropout < 1 or (self.label_dropout and self.num_classes is None):
            raise ValueError(
                "`label_dropout` must be a probability below 1, of a flow with `num_classes`. "
                f"Received: label_dropout={self.label_dropout}, num_classes={self.num_classes}"
            )

    def checked_shape(self, event_shape):
        return super().checked_shape(images.check_image_shape(event_shape))

    def make_dequantization(self, event_shape):
        if self.noise is None:
            return super().make_dequantization(event_shape)
        options = {"kept_levels": self.kept_levels, "seed": self.seed, "dtype": self.bijection_dtype.name}
        return layers.GaussianAugmentation(self.discrete_levels, scale=self.noise, **options)

    def links(self, image_shape):
        patches = bijectors.Patches(image_shape, self.patch_size)
        shape = patches.token_shape
        links = [*images.preprocessing(self, image_shape), patches, self._mixing(shape, "whitening", 0, whiten=True)]
        links.append(bijectors.ActNorm(shape, dtype=self.bijection_dtype.name))
        for i in range(self.num_flows):
            links += [] if i == 0 else [self._mixing(shape, f"mixing_{i}", 100 * i)]
            for j in range(self.patch_couplings if shape[1] > 1 else 0):
                links.append(self._coupling(shape, f"{i}_{j}", 100 * i + j + 1))
                links.append(self._mixing(shape, f"mixing_{i}_{j}", 100 * i + j + 1))
            links.append(self._layer(i, shape))
        return links

    def _mixing(self, shape, name, number, whiten=False):
        options = {"dtype": self.bijection_dtype.name, "seed": seeds.plus(self.seed, number)}
        return bijectors.InvertibleConv(shape, whiten=whiten, name=name, **options)

    def _coupling(self, shape, name, number):
        mask, network = masks.channel_half(shape), self.network_options(f"coupling_network_{name}", number)
        network = networks.TokenMLP(2 * int((~mask[0]).sum()), hidden_units=(self.units,), activation="gelu", **network)
        return bijectors.AffineCoupling(mask, network, log_scale_bound=self.log_scale_bound, name=f"coupling_{name}")

    def _layer(self, i, shape):
        sizes = {"num_blocks": self.num_blocks, "units": self.units, "num_heads": self.num_heads}
        network = networks.Transformer(shape, **sizes, **self.network_options(f"network_{i}", i))
        return bijectors.TransformerAutoregressive(
            network, reverse=i % 2 == 1, log_scale_bound=self.log_scale_bound, name=f"layer_{i}"
        )

    @property
    def least_label(self):
        """-1, for no label, of a flow with `label_dropout`; 0 otherwise."""
        return -1 if self.label_dropout else 0

    def build(self, input_shape):
        super().build(input_shape)
        self._dropout_seeds  # noqa: B018, made here and not inside of a step

    @functools.cached_property
    def _dropout_seeds(self):
        """Of the labels that are dropped; Keras does not see it, so that files are as they were without."""
        with keras_bijector.outside_scratch_graphs():
            return keras.random.SeedGenerator(self.seed)

    def call(self, inputs_, training=False):
        """Log-probability of `x`, `(x,)` or the pair `(x, context)`; in training, labels are dropped by its seed."""
        if training and self.label_dropout:
            x, labels = inputs_[0], self._context_tensor(inputs_[1])  # checked before some are dropped
            chance = tf.random.stateless_uniform(tf.shape(labels), seeds.stateless(self._dropout_seeds))
            inputs_ = (x, tf.where(chance < self.label_dropout, -1, labels))
        return super().call(inputs_, training)

    @as_called.compiled(Architecture._of_draws)
    def sample(self, n, *, context=None, seed=None, temperature=1.0, guidance=0.0, denoise=False):
        """Draws from the flow.

        Args:
          n, context, seed, temperature: as `FlowModel.sample`.
          guidance: float, of a flow trained with `label_dropout`: how far every shift and log-scale is taken from the
            one without a label, beyond the one with it, see `bijectors.TransformerAutoregressive`; couplings inside
            the patches get the label as it is.
          denoise: bool, of a flow with `noise`: whether to take the noise away, see `layers.GaussianAugmentation`.

        Returns:
          `Tensor` `[n, *event_shape]`, integers unless it is a flow of reals.

        Raises:
          ValueError: a temperature that is not positive, a missing context, guidance of a flow without
            `label_dropout`, or denoising of one without `noise`.
        """
        if guidance and not self.label_dropout:
            raise ValueError(f"`guidance` needs a flow with `label_dropout`. Received: guidance={guidance}")
        if denoise and self.noise is None:
            raise ValueError("`denoise` needs a flow with `noise`. Received: noise=None")
        z, context = self._latents(n, context, seed, temperature)
        bijector = self.bijector if not guidance else self._with_guidance(float(guidance))
        with precision.full_by_default():
            y = bijector.forward_and_log_det(z, context=context)[0]
        if denoise:
            y = self.dequantization.denoised(y, lambda y: self.log_prob(y, context))
        return y if self.dequantization is None else self.dequantization.quantized(y)

    def _with_guidance(self, guidance):
        """The bijector with other layers of the same weights."""
        if self._guided is None or self._guided[0] != guidance:
            guided = [
                link.copy(guidance=guidance) if isinstance(link, bijectors.TransformerAutoregressive) else link
                for link in self.bijector.bijectors
            ]
            self._guided = guidance, bijectors.Chain(guided, name="guided")
        return self._guided[1]
