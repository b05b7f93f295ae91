"""What is wrong with a flow, by name and layer."""

import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.evaluation.examination import (
    adaptation,
    conditioning,
    couplings,
    derivatives,
    dtypes,
    finiteness,
    latents,
    log_dets,
    patient,
    round_trips,
    scales,
    tracking,
    walk,
)
from tfflows.evaluation.examination.finding import ERROR, error
from tfflows.evaluation.examination.report import Report
from tfflows.joint import composition, natives
from tfflows.ops import precision

WRONG_PART, WRONG_DENSITY = "wrong native part", "wrong density"
# Causes before what follows from them: a layer with an error is not asked further.
_BEFORE = adaptation.examine, conditioning.examine
_AFTER = (
    conditioning.examine_native,
    scales.examine,
    dtypes.examine,
    couplings.examine,
    round_trips.examine,
    log_dets.examine,
    derivatives.examine,
)


def doctor(model, x, context=None, *, num_examples=512, seed=0):
    """Examines a flow on a batch, layer by layer from the data to the latents.

    Findings have these names:

    | name | what is wrong |
    | --- | --- |
    | `never adapted` | weights that are initialised from data (actnorm) are as they were made |
    | `singular kernel` | a linear layer (1x1 convolution, `LULinear`, native) with a condition number above 1e6 |
    | `no answer`, `not finite` | a layer raises an error, or gives NaN or infinite numbers; the walk ends there |
    | `exploded scale` | a layer multiplies or divides deviations so that they are 1000 times 1, or 1/1000 |
    | `saturated scale` | more than 90 % of a layer's log-scales are at their bound (a warning) |
    | `half-precision log-det` | log-dets that are, or were computed, in float16 or bfloat16 |
    | `dead coupling` | a network gives the same for all it sees, and will after a step of training |
    | `not an inverse` | `forward(inverse(y))` is not `y`, in float64 where the layer takes it |
    | `digits lost` | it is in float64, but off by 3 % in the precision of the flow (a warning) |
    | `wrong log-det sign`, `wrong log-det` | not `log|det|` of the Jacobian that automatic differentiation gives |
    | `wrong gradient`, `wrong second derivative` | not what central differences tell (the second a warning) |
    | `untracked weight` | a weight that Keras or TFP does not see: it is not trained, or not saved |
    | `wrong native part` | a part of TFP with a wrong gradient or round trip, if it is not known to be right |
    | `wrong density` | `log_prob` is not the base's of the latents plus all log-dets |
    | `latents unlike the base` | latents that are not as drawn from the base: location, spread or shape (a warning) |

    Jacobians of events of up to 64 entries are written out; of larger ones `log|det|` is estimated with its error from
    products with vectors (stochastic Lanczos quadrature). Layers are examined one by one, inside of `bijectors.Chain`,
    `Repeated`, `FactorOut` and `tfb.Chain`; anything else is one layer.

    Args:
      model: `models.FlowModel`, `tfd.TransformedDistribution`, or a posterior layer with bijectors (`x` are features).
      x: examples `[n, *event_shape]`, as `log_prob` takes them; data like those that it was trained on.
      context: `[n, ...]` of a conditional flow, or `None`.
      num_examples: int, the first so many are looked at.
      seed: int, of the noise of dequantization.

    Returns:
      `Report`: `str` is a page, `findings` a tuple, `healthy` whether it is empty.

    Raises:
      TypeError: no flow.
      ValueError: no examples, some that are not finite, or not as `log_prob` takes them.

    Example:

    >>> import numpy as np
    >>> from tfflows import evaluation, models
    >>> flow = models.RealNVP((2,), num_layers=2, hidden_units=(4,), seed=0)
    >>> x = np.random.default_rng(0).normal(size=(100, 2)).astype("float32")
    >>> evaluation.doctor(flow, x).names
    ['never adapted']
    >>> flow.adapt(x)
    >>> evaluation.doctor(flow, x).healthy
    True
    """
    check_integer(num_examples=num_examples)
    with precision.full():
        examined = patient.of(model, x, context, num_examples, seed)
        findings, layers, z = _of_layers(examined)
        findings += tracking.examine(examined, layers)
        measured = {}
        if z is not None and examined.base is not None:
            findings += derivatives.examine_base(examined.base, z)
            findings += [] if any(map(_is_error, findings)) else _of_density(examined, layers, z)
            measured = latents.measure(z, examined.base)
            findings += latents.examine(measured)
    findings.sort(key=lambda finding: not _is_error(finding))
    rows = tuple({"layer": layer.name, **layer.measured} for layer in layers)
    unexamined = [each for layer in layers for each in layer.unexamined]
    unexamined += [] if z is not None else [f"what comes after {layers[-1].name} on the way to the latents"]
    return Report(examined.name, len(examined.x), tuple(findings), rows, measured, "; ".join(unexamined))


def _of_layers(examined):
    """Findings about layers, the layers, and the latents if they are reached."""
    first = None if examined.context is None else examined.context[:1]
    wrong = [] if examined.base is None else natives.faults(examined.distribution, first)
    findings = [error(WRONG_PART, part.partition(" (")[0], "what TFP documents", part) for part in wrong]
    findings += adaptation.examine_flow(examined)
    walk_, layers = walk.Walk(examined.bijector, examined.x, len(examined.x.shape) - 1, examined.context), []
    for layer in walk_:
        layers.append(layer)
        found = [each for examine in _BEFORE for each in examine(layer)]
        layer.evaluate()
        if not walk.goes_on(layer):
            findings += found or finiteness.examine(layer)
            break
        known = any(repr(layer.bijector.name) in part for part in wrong)
        for examine in () if known else _AFTER:
            if any(map(_is_error, found)):
                break
            try:
                found += examine(layer)
            except walk.REFUSALS as reason:  # no gradient, for example
                what = examine.__module__.rpartition(".")[2].replace("_", " ")
                layer.unexamined += [f"{what} of {layer.name} ({' '.join(str(reason).split())[:100]})"]
        findings += found
    return findings, layers, walk_.latents


def _of_density(examined, layers, z):
    """Whether the parts make the whole, to the digits of all that is added up."""
    kwargs = composition.context_kwargs(examined.bijector, examined.context)
    claimed = np.asarray(examined.distribution.log_prob(tf.identity(examined.x), bijector_kwargs=kwargs), np.float64)
    parts = [np.asarray(each, np.float64) for each in (examined.base.log_prob(z), *(f.log_det for f in layers))]
    total, size = sum(parts), sum(map(np.abs, parts))
    off = np.abs(claimed - total)
    if not (off <= 1e-3 + 1e-4 * size).all():
        i = int(np.argmax(np.where(np.isfinite(off), off, np.inf)))
        expected = f"{total[i]:.6g} nats of example {i}: log p(z) and {len(layers)} log-dets"
        yield error(WRONG_DENSITY, "the flow", expected, f"{claimed[i]:.6g}")


def _is_error(finding):
    return finding.severity == ERROR
