"""Coupling by rational-quadratic splines."""

from tfflows.bijectors.coupling import Coupling
from tfflows.ops.rational_quadratic import RationalQuadratic


class SplineCoupling(Coupling):
    """Coupling whose elementwise bijections are monotone rational-quadratic splines.

    With the mask `m` (1 = copied), `raw = conditioner(m * x, context)` and `f` the spline with these raw parameters:

    * inverse: `x = m * y + (1 - m) * f(y; raw)`
    * forward: `y = m * x + (1 - m) * f^-1(x; raw)`, a quadratic equation in each entry
    * inverse log-det: `sum((1 - m) * log f'(y; raw))`

    `f` acts on `[-box, box]` and is the identity outside, or, with `circular=True`, goes on periodically: see
    `ops.rational_quadratic`. Data should be standardised to the box. A conditioner of zeros gives the identity. On a
    circle, the conditioner should be periodic in what it sees, sines and cosines of it for example.

    `event_ndims`: the rank of the mask. Cost: one conditioner pass in each direction.

    Args:
      mask: array of 0/1 over the whole event, e.g. `ops.masks.half(4)`.
      conditioner: Keras layer returning `(3 bins - 1) k` values on its last axis for `k` transformed entries,
        parameter by parameter: widths, heights, slopes (`3 bins * k` for a circle; see `Coupling`). Built here if it
        is not yet.
      bins: int, at least 2.
      box: float, half of the side of the box.
      circular: bool, whether the ends of the box are one point.
      affine: bool, whether shift and scale are conditioned too, before the spline: two more values for each entry,
        last. What is outside the box then moves with the condition, which heavy or shifting tails need.
      minimal_width, minimal_height: floats, of a bin, as fractions of the box's side.
      minimal_slope: float, at a knot.
      name: str.

    Raises:
      ValueError: fewer than 2 bins, sizes out of range, a mask of another shape than the event, all ones or all zeros,
        a conditioner output of the wrong size.
      TypeError: events not in float32 or float64.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import SplineCoupling
    >>> from tfflows.networks import MLP
    >>> coupling = SplineCoupling([1, 1, 0, 0], MLP(2 * 11, hidden_units=(32,)), bins=4)
    >>> coupling.inverse(tf.ones([8, 4])).shape.as_list()
    [8, 4]

    References:
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032.
    """

    def __init__(
        self,
        mask,
        conditioner,
        *,
        bins=8,
        box=5.0,
        circular=False,
        affine=False,
        minimal_width=1e-3,
        minimal_height=1e-3,
        minimal_slope=1e-3,
        name="spline_coupling",
    ):
        parameters = dict(locals())
        self._spline = RationalQuadratic(bins, box, circular, affine, minimal_width, minimal_height, minimal_slope)
        self.num_parameters = self._spline.num_parameters
        super().__init__(mask, conditioner, parameters=parameters, name=name)

    def transform(self, b, *raw):
        return self._spline.inverse(b, *raw)

    def inverse_transform(self, b, *raw):
        return self._spline.forward(b, *raw)
