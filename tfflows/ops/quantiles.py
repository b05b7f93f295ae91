"""The quantile function of the standard normal, the same under every compiler."""

import functools

import tensorflow as tf

# Wichura. Algorithm AS 241: the percentage points of the normal distribution. Applied Statistics, 1988: numerator and
# denominator in sqrt(-log p), less 1.6 or 5, from the highest power down.
_MIDDLE, _FROM_MIDDLE, _FAR, _FROM_FAR = 0.075, 1.6, 5.0, 5.0
_TAIL = (
    (7.74545014278341407640e-4, 2.27238449892691845833e-2, 2.41780725177450611770e-1, 1.27045825245236838258)
    + (3.64784832476320460504, 5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734),
    (1.05075007164441684324e-9, 5.47593808499534494600e-4, 1.51986665636164571966e-2, 1.48103976427480074590e-1)
    + (6.89767334985100004550e-1, 1.67638483018380384940, 2.05319162663775882187, 1.0),
)
_FAR_TAIL = (
    (2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3, 2.65321895265761230930e-2)
    + (2.96560571828504891230e-1, 1.78482653991729133580, 5.46378491116411436990, 6.65790464350110377720),
    (2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5, 7.86869131145613259100e-4)
    + (1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0),
)


def normal(p):
    """`x` with `Phi(x) = p`, elementwise, for `p` in (0, 1), in float32 or float64, to a few units in the last place.

    `tf.math.ndtri` is that outside of XLA only: under it, on a CPU, it loses digits in the tails and is `-inf` below
    3e-8 in float32. Here it gives the middle.
    """
    middle = tf.math.ndtri(tf.clip_by_value(p, _MIDDLE, 1.0 - _MIDDLE))
    tail = tf.minimum(p, 1.0 - p)
    r = tf.sqrt(-tf.math.log(tf.minimum(tail, _MIDDLE)))
    x = tf.where(r <= _FAR, _ratio(_TAIL, r - _FROM_MIDDLE), _ratio(_FAR_TAIL, r - _FROM_FAR))
    return tf.where(tail >= _MIDDLE, middle, tf.where(p < 0.5, -x, x))


def _ratio(polynomials, r):
    above, below = (functools.reduce(lambda total, each: total * r + each, each) for each in polynomials)
    return above / below
