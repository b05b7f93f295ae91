"""The likelihood beside the length of a lossless code."""

import dataclasses
import math

from tfflows.arguments import check_choice
from tfflows.evaluation.scores.base import Score
from tfflows.evaluation.scores.code_length import CODECS, check_images, code_lengths


@dataclasses.dataclass(kw_only=True, eq=False)
class InputComplexity(Score):
    """Bits that the model needs beyond those of a general code, per dimension:

        S(x) = (-log2 p(x) - L(x)) / D,    L(x) = length of the PNG or WebP file in bits

    Simple images are likely under any model of images; what is less likely than its complexity explains lies outside.
    What a code needs beyond the entropy of an image, and errs by, is in the score: `code_lengths` has how much that is
    of small images. A header is the same for all images of a shape.

    Args:
      codec: "best", the shorter of both for each image, as in the paper, "png" or "webp".
      num_draws, seed, batch_size: see `Score`.

    Raises:
      ValueError: other than integer images `[n, height, width, channels]` of 1 or 3 channels and levels below 256.

    References:
      Serra, Alvarez, Gomez, Slizovskaia, Nunez, Luque. Input complexity and out-of-distribution detection with
      likelihood-based generative models. ICLR 2020, arXiv 1909.11480, equation 2.
    """

    codec: str = "best"

    def __post_init__(self):
        check_choice(("best", *CODECS), codec=self.codec)

    def _fit(self, data):
        check_images(data)

    def _score(self, x):
        bits = -self._log_prob(x) / math.log(2) - code_lengths(x, self.codec)
        return bits / math.prod(x.shape[1:])
