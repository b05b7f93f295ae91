"""Transformer autoregressive flow of images."""

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, layers, networks
from tfflows.models import images
from tfflows.models.flow_model import FlowModel
from tfflows.ops import masks, precision

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tfflows")
class TransformerFlow(FlowModel):
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

    Args:
      image_shape: `(H, W, C)`, height and width multiples of `patch_size`; `None` to learn it from the first `fit`.
      patch_size: int, side of a patch in pixels.
      num_flows: int, autoregressive layers.
      num_blocks: int, transformer blocks in each.
      units: int, width of the transformers.
      num_heads: int, heads of attention, a divisor of `units`.
      patch_couplings: int, couplings inside the patches before each layer, with one hidden layer of `units`; 0 for
        none, as in the paper.
      noise: float, standard deviation of the Gaussian noise where all levels span 1 (the paper's 0.05, of images in
        [-1, 1], is 0.025 here); `None` or 0 for dequantization.
      dequantization: "uniform", "variational", a `layers.Dequantization`, or `None` for images of reals, standardised.
      discrete_levels: int, pixels are integers from 0 to this minus 1.
      num_bits: int, bits that are kept of a pixel; `None` for all.
      num_classes: int, number of classes of a class-conditional flow; `None` for none.
      context_size: int, size of a float context; `None` for none.
      label_dropout: float, probability that a training example's label is left out.
      log_scale_bound: see `ops.numerics.log_scale_bound`.
      seed: int, of initial weights and noise; `None` follows Keras's global seed.
      name: str.
      dtype: Keras precision policy.

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

    def __init__(
        self,
        image_shape=None,
        *,
        patch_size=4,
        num_flows=4,
        num_blocks=4,
        units=128,
        num_heads=4,
        patch_couplings=0,
        noise=None,
        dequantization="uniform",
        discrete_levels=256,
        num_bits=None,
        num_classes=None,
        context_size=None,
        label_dropout=0.0,
        log_scale_bound="tanh",
        seed=None,
        name="transformer_flow",
        dtype=None,
    ):
        super().__init__(context_size=context_size, num_classes=num_classes, name=name, dtype=dtype)
        networks.at_least_one(
            patch_size=patch_size, num_flows=num_flows, num_blocks=num_blocks, units=units, num_heads=num_heads
        )
        if not isinstance(patch_couplings, int) or patch_couplings < 0:
            raise ValueError(f"`patch_couplings` must be an integer of at least 0. Received: {patch_couplings!r}")
        if noise is not None and not (isinstance(noise, (int, float)) and 0 <= noise < float("inf")):
            raise ValueError(f"`noise` must be a number of at least 0, or None. Received: {noise!r}")
        if noise and dequantization != "uniform":
            raise ValueError(
                f"`noise` stands in the place of a dequantization. Received: noise={noise} and "
                f"dequantization={dequantization!r}"
            )
        if not 0 <= label_dropout < 1 or (label_dropout and num_classes is None):
            raise ValueError(
                "`label_dropout` must be a probability below 1, of a flow with `num_classes`. "
                f"Received: label_dropout={label_dropout}, num_classes={num_classes}"
            )
        self.patch_size, self.num_flows, self.num_blocks = patch_size, num_flows, num_blocks
        self.units, self.num_heads, self.patch_couplings = units, num_heads, patch_couplings
        self.noise, self.label_dropout = noise or None, label_dropout
        self.discrete_levels, self.num_bits = discrete_levels, num_bits
        self.given_dequantization = dequantization
        self.log_scale_bound, self.seed = log_scale_bound, seed
        self._guided = None
        if image_shape is not None:
            self.build((None, *image_shape))

    @property
    def dequantization_kind(self):
        """What `images.prepare` makes the first layer from."""
        if self.noise is None:
            return self.given_dequantization
        return layers.GaussianAugmentation(
            self.discrete_levels,
            kept_levels=None if self.num_bits is None else 2**self.num_bits,
            scale=self.noise,
            seed=self.seed,
            dtype=images.bijection_dtype(self.dtype_policy).name,
        )

    def make_distribution(self, image_shape):
        shape, dtype = images.check_image_shape(image_shape, 1), images.bijection_dtype(self.dtype_policy)
        patches = bijectors.Patches(shape, self.patch_size)
        self.dequantization, links = images.prepare(self, shape, dtype)
        links.append(patches)
        shape = patches.token_shape
        links.append(self._mixing(shape, "whitening", 0, whiten=True))
        links.append(bijectors.ActNorm(shape, dtype=dtype.name))
        for i in range(self.num_flows):
            links += [] if i == 0 else [self._mixing(shape, f"mixing_{i}", 100 * i)]
            for j in range(self.patch_couplings if shape[1] > 1 else 0):
                links.append(self._coupling(shape, f"{i}_{j}", 100 * i + j + 1))
                links.append(self._mixing(shape, f"mixing_{i}_{j}", 100 * i + j + 1))
            links.append(self._layer(i, shape))
        flow = bijectors.Chain(links, name="transformer_flow")
        return tfd.TransformedDistribution(images.standard_normal(shape, dtype), flow, name=self.name)

    def _mixing(self, shape, name, number, whiten=False):
        dtype = images.bijection_dtype(self.dtype_policy).name
        seed = None if self.seed is None else self.seed + number
        return bijectors.InvertibleConv(shape, whiten=whiten, dtype=dtype, seed=seed, name=name)

    def _coupling(self, shape, name, number):
        mask = masks.channel_half(shape)
        network = networks.TokenMLP(
            2 * int((~mask[0]).sum()),
            hidden_units=(self.units,),
            activation="gelu",
            context_size=self.context_size,
            num_classes=self.num_classes,
            seed=None if self.seed is None else self.seed + number,
            dtype=self.dtype_policy,
            name=f"coupling_network_{name}",
        )
        return bijectors.AffineCoupling(mask, network, log_scale_bound=self.log_scale_bound, name=f"coupling_{name}")

    def _layer(self, i, shape):
        network = networks.Transformer(
            shape,
            num_blocks=self.num_blocks,
            units=self.units,
            num_heads=self.num_heads,
            context_size=self.context_size,
            num_classes=self.num_classes,
            seed=None if self.seed is None else self.seed + i,
            dtype=self.dtype_policy,
            name=f"network_{i}",
        )
        return bijectors.TransformerAutoregressive(
            network, reverse=i % 2 == 1, log_scale_bound=self.log_scale_bound, name=f"layer_{i}"
        )

    def call(self, inputs_, training=False):
        """Log-probability of `x`, `(x,)` or the pair `(x, context)`; in training, labels are dropped."""
        if training and self.label_dropout:
            x, labels = inputs_
            dropped = tf.random.uniform(tf.shape(labels)) < self.label_dropout
            inputs_ = (x, tf.where(dropped, -tf.ones_like(labels), labels))
        return super().call(inputs_, training)

    def sample(self, n, *, context=None, seed=None, temperature=1.0, guidance=0.0, denoise=False):
        """Draws from the flow.

        Args:
          n: int, number of samples, or a shape.
          context: for a conditional flow, one context for all samples or `n` of them.
          seed: int; the same seed gives the same samples.
          temperature: float > 0, scales the base distribution; below 1 samples are more typical.
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
        z, context = self._latents(n, seed, temperature), self._context_tensor(context)
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

    def get_config(self):
        return {
            "name": self.name,
            "dtype": keras.saving.serialize_keras_object(self.dtype_policy),
            "image_shape": None if self._flow is None else list(self.event_shape),
            "patch_size": self.patch_size,
            "num_flows": self.num_flows,
            "num_blocks": self.num_blocks,
            "units": self.units,
            "num_heads": self.num_heads,
            "patch_couplings": self.patch_couplings,
            "noise": self.noise,
            "dequantization": keras.saving.serialize_keras_object(self.given_dequantization),
            "discrete_levels": self.discrete_levels,
            "num_bits": self.num_bits,
            "num_classes": self.num_classes,
            "context_size": self.context_size,
            "label_dropout": self.label_dropout,
            "log_scale_bound": self.log_scale_bound,
            "seed": self.seed,
        }
