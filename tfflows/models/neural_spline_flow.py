"""Neural spline flows."""

import math
from collections.abc import Iterable

import keras
import numpy as np

from tfflows import bijectors, networks
from tfflows.bijectors.angles import entries, period_of_each, places
from tfflows.models import latents, vectors
from tfflows.models.options import Option, shared
from tfflows.ops import masks
from tfflows.ops.elementwise import ByEntry, Invert, RationalQuadraticSpline


@keras.saving.register_keras_serializable("tfflows")
class NeuralSplineFlow(vectors.LayeredFlow):
    """Rational-quadratic splines over a standard normal, by coupling or autoregressive, for events of any shape.

    From data to latent: standardisation (set by `adapt`, so densities stay in the data's units), learned tails
    (`bijectors.TailTransform`), then `num_layers` layers of splines, with a mixing of the entries between them.
    `kind="coupling"` takes `bijectors.SplineCoupling`: each copies one half and transforms the other, the halves swap
    from one to the next, and samples are as fast as log-probabilities. `kind="autoregressive"` takes
    `bijectors.AutoregressiveSpline` with a `networks.MADE` each, the order turned round from one to the next: more
    expressive a layer, and samples take `D` steps.

    A spline acts on `[-box, box]`. Before it, shift and scale are conditioned too (`affine`), so that what lies outside
    moves with the condition: with the learned tails, targets whose tails are heavier or lighter than a normal's are
    fitted, where linear tails of slope 1 are not enough.

    **Angles.** Entries that are `circular` live on a circle: for them `x` and `x + period` are one point, the density
    has that period, and is 1 over one turn. They are taken modulo their period (`bijectors.Angles`), transformed by
    splines of the circle, which with `affine` are turned too, and seen by the networks as cosine and sine. Their
    latents, the last entries, are uniform on `[-pi, pi)`. Standardisation, tails and the matrices of `mixing` are of
    the other entries, and so is a temperature. Samples are in `[-period / 2, period / 2)`, or in `[0, period)` if the
    data of `adapt` were there. Neither end is special: the gradient of the log-density jumps at the splines' knots
    alone, as that of any spline flow.

    Raises:
      ValueError: an event that is too small or not known, sizes below 1, fewer than 2 bins, unknown names, a bad
        context size, `circular` entries that are not there, a period without any or that is not positive.

    Example:

    >>> import numpy as np
    >>> from tfflows.models import NeuralSplineFlow
    >>> angle = np.random.default_rng(0).uniform(0, 6, (256, 1)).astype("float32")
    >>> flow = NeuralSplineFlow((2,), num_layers=2, hidden_units=(16,), bins=4, context_size=1)
    >>> flow.compile("adam")
    >>> history = flow.fit(np.hstack([np.cos(angle), np.sin(angle)]), angle, verbose=0)
    >>> flow.sample(5, context=[1.0], seed=0).shape.as_list()
    [5, 2]

    References:
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032.
      Rezende et al. Normalizing flows on tori and spheres. ICML 2020, arXiv 2002.02428 (angles).
    """

    options = {
        "event_shape": Option(
            None,
            'shape of an event, 2 entries or more (1 or more for `kind="autoregressive"`); `None` to learn it from the '
            "first `fit`.",
            convert=tuple,
        ),
        "kind": Option("coupling", '"coupling" or "autoregressive".', among=("coupling", "autoregressive")),
        "num_layers": Option(5, "int; at least 2 couplings, at least 1 autoregressive layer.", least=1),
        **shared("hidden_units", hidden_units=(128, 128)),
        "bins": Option(8, "int, at least 2, of each spline.", least=2),
        "box": Option(5.0, "float, half of the side of the splines' box, in standard deviations.", convert=float),
        "affine": Option(True, "bool, shift and scale before each spline."),
        "circular": Option(
            None,
            "ints, the entries of an event (as a vector) that are angles, or `True` for all; `None` for none.",
            convert=entries,
        ),
        "period": Option(
            None,
            "float, or one for each of `circular`, after which an angle repeats itself; `None` for 2 pi: radians.",
            convert=lambda value: tuple(value) if isinstance(value, Iterable) else value,
        ),
        **shared("tails", "whiten", "mixing", "residual", tails=True, mixing="lu", residual=True),
        **shared("context_size", "num_classes", "activation", "seed", "name", "dtype", name="neural_spline_flow"),
    }

    def check_options(self):
        if self.period is not None and not self.circular:
            raise ValueError(f"`period` is of `circular` entries. Received: period={self.period} without any")
        if self.circular:
            known = self.period if self.circular is True else self.circular
            period_of_each(1.0 if self.period is None else self.period, len(known) if isinstance(known, tuple) else 1)
        if self.kind == "coupling" and self.num_layers < 2:
            raise ValueError(
                f"`num_layers` must be at least 2, or one half is never transformed. Received: {self.num_layers}"
            )
        RationalQuadraticSpline(self.bins, self.box, affine=self.affine)  # refuses a bad box

    @property
    def least_size(self):
        return 2 if self.kind == "coupling" else 1

    def angles(self, size):
        return places(self.circular, size) if self.circular else []

    def latent(self, event_shape):
        (size,) = event_shape
        angles = len(self.angles(size))
        if not angles:
            return super().latent(event_shape)
        return latents.NormalAndUniform(size - angles, angles, self.bijection_dtype)

    def layer(self, i, size, rng):
        if angles := len(self.angles(size)):
            return self._layer_with_angles(i, size, angles)
        spline = {"bins": self.bins, "box": self.box, "affine": self.affine}
        num_parameters = RationalQuadraticSpline(**spline).num_parameters
        start = RationalQuadraticSpline(**spline).normal_knots()
        network = {"spread_biases": True, "output_start": start, **self.layer_network_options(i, "conditioner")}
        if self.kind == "coupling":
            mask = masks.half(size, flip=i % 2 == 1)
            conditioner = networks.MLP(num_parameters * int((~mask).sum()), **network)
            return bijectors.SplineCoupling(mask, conditioner, **spline, name=f"coupling_{i}")
        order = "reversed" if i % 2 else "sequential"
        conditioner = networks.MADE(size, num_outputs=num_parameters, order=order, **network)
        return bijectors.AutoregressiveSpline(conditioner, **spline, name=f"layer_{i}")

    def _layer_with_angles(self, i, size, angles):
        """A layer over vectors whose last entries are angles, mixed by its mask or its order, as no matrix may."""
        shuffled = self.mixing != "none" and i > 1 and size > 2  # anew before every second layer
        order = np.random.default_rng([self.seed or 0, i // 2]).permutation(size) if shuffled else np.arange(size)
        is_angle = np.arange(size) >= size - angles
        network = {"spread_biases": True, **self.layer_network_options(i, "conditioner")}
        if self.kind == "coupling":
            mask = masks.half(size, flip=i % 2 == 1)[order]
            moved = int((~mask & ~is_angle).sum()), int((~mask & is_angle).sum())
            map_ = self._map(*moved)
            network |= {"num_angles": int((mask & is_angle).sum()), "output_start": self._start(map_, *moved)}
            conditioner = networks.MLP(map_.num_parameters * int((~mask).sum()), **network)
            return bijectors.Coupling(mask, conditioner, Invert(map_), name=f"coupling_{i}")
        map_, order = self._map(size - angles, angles), order[:: -1 if i % 2 else 1]
        network |= {"num_angles": angles, "output_start": self._start(map_, size - angles, angles)}
        conditioner = networks.MADE(size, num_outputs=map_.num_parameters, order=order, **network)
        return bijectors.Autoregressive(conditioner, Invert(map_), name=f"layer_{i}")

    def _start(self, map_, others, angles):
        """What the parameters of a map start at: knots of a line where a normal is dense, of a circle evenly."""
        line = np.array(RationalQuadraticSpline(self.bins, self.box, affine=self.affine).normal_knots())
        start = np.zeros([map_.num_parameters, others + angles])
        start[: len(line), :others] = line[: len(start), None] if others else 0.0
        return start.ravel().tolist()

    def _map(self, others, angles):
        """The splines of so many entries that are no angles, and then of so many that are."""
        circle = RationalQuadraticSpline(self.bins, math.pi, circular=True, affine=self.affine)
        if not others:
            return circle
        line = RationalQuadraticSpline(self.bins, self.box, affine=self.affine)
        return ByEntry(line, circle, angles) if angles else line
