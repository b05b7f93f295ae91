"""Autoregressive flow of rational-quadratic splines."""

from tfflows.bijectors.autoregressive import Autoregressive
from tfflows.ops.rational_quadratic import RationalQuadratic


class AutoregressiveSpline(Autoregressive):
    """Autoregressive flow whose elementwise bijections are monotone rational-quadratic splines.

    With `f` the spline with the given raw parameters, and `parallel="inverse"` (densities are fast):

    * inverse: `x = f(y; conditioner(y, context))`, all entries at once
    * forward: `y_i = f^-1(x_i; raw_i)`, entry after entry, as `raw_i` depends on `y_1 ... y_{i-1}`
    * inverse log-det: `sum(log f'(y; raw))`

    With `parallel="forward"` (samples are fast) `y = f(x; conditioner(x, context))`, and the inverse is sequential.

    `f` acts on `[-box, box]` and is the identity outside, or, with `circular=True`, goes on periodically: see
    `ops.rational_quadratic`. Data should be standardised to the box. A conditioner of zeros gives the identity.

    `event_ndims`: 1. Cost: one conditioner pass in the parallel direction, `D` steps, one after another, in the other.

    Args:
      conditioner: masked Keras layer returning `(3 bins - 1) D` values on its last axis, parameter by parameter:
        widths, heights, slopes (`3 bins * D` for a circle), e.g. `networks.MADE(D, num_outputs=3 * bins - 1)`; see
        `Autoregressive`.
      parallel: "inverse" or "forward".
      bins: int, at least 2.
      box: float, half of the side of the box.
      circular: bool, whether the ends of the box are one point.
      affine: bool, whether shift and scale are conditioned too, before the spline: two more values for each entry,
        last. What is outside the box then moves with the condition, which heavy or shifting tails need.
      minimal_width, minimal_height: floats, of a bin, as fractions of the box's side.
      minimal_slope: float, at a knot.
      name: str.

    Raises:
      TypeError: a conditioner that is not masked; events not in float32 or float64.
      ValueError: fewer than 2 bins, sizes out of range, an unknown direction, a conditioner output of the wrong size.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import AutoregressiveSpline
    >>> from tfflows.networks import MADE
    >>> flow = AutoregressiveSpline(MADE(3, num_outputs=11, hidden_units=(16,)), bins=4)
    >>> flow.inverse(tf.ones([8, 3])).shape.as_list()
    [8, 3]

    References:
      Durkan, Bekasov, Murray, Papamakarios. Neural spline flows. NeurIPS 2019, arXiv 1906.04032, section 3.2.
    """

    def __init__(
        self,
        conditioner,
        *,
        parallel="inverse",
        bins=8,
        box=5.0,
        circular=False,
        affine=False,
        minimal_width=1e-3,
        minimal_height=1e-3,
        minimal_slope=1e-3,
        name="autoregressive_spline",
    ):
        parameters = dict(locals())
        if parallel not in ("inverse", "forward"):
            raise ValueError(f'`parallel` must be "inverse" or "forward". Received: {parallel!r}')
        self.parallel = parallel
        self._spline = RationalQuadratic(bins, box, circular, affine, minimal_width, minimal_height, minimal_slope)
        self.num_parameters = self._spline.num_parameters
        super().__init__(conditioner, parameters=parameters, name=name)

    def transform(self, x, *raw):
        return self._spline.forward(x, *raw) if self.parallel == "forward" else self._spline.inverse(x, *raw)

    def inverse_transform(self, y, *raw):
        return self._spline.inverse(y, *raw) if self.parallel == "forward" else self._spline.forward(y, *raw)
