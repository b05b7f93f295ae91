#!/usr/bin/env bash
# TensorFlow Probability 0.25.0 on TensorFlow 2.21.0: the density of |z| for vectors.
#
# Guess: a TransformedDistribution by AbsoluteValue counts the 2^D points that have the same absolute values: of two
# independent standard normals the density at (1, 1) is (2 phi(1))^2, its log -1.4516.
# Seen: -2.1447: the two branches of the inverse are added for the vector as a whole, ln 2 once for an event of any
# size, so that log_prob is too small by (D - 1) ln 2 and the density integrates to 2^(1 - D). Scalars, and Independent
# around a transformed batch, are right.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0 tensorflow-probability==0.25.0 tf_keras==2.21.0 2> "$place/log" \
  || { cat "$place/log"; exit 1; }
cat > "$place/look.py" <<'PYTHON'
import math

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

tfd, absolute = tfp.distributions, tfp.bijectors.AbsoluteValue()
one = math.log(2) - 0.5 - 0.5 * math.log(2 * math.pi)  # log(2 phi(1))
found = {}
for size in (1, 2, 3):
    vectors = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [size]), absolute)
    found[size] = float(vectors.log_prob(tf.ones(size)))
    print(f"{size} entries: {found[size]:.4f}, closed form {size * one:.4f}")
inside = tfd.Independent(tfd.TransformedDistribution(tfd.Normal(tf.zeros(2), tf.ones(2)), absolute), 1)
print(f"2 entries, Independent around scalars: {float(inside.log_prob(tf.ones(2))):.4f}")
edges = np.linspace(0, 8, 401)
centres = (edges[1:] + edges[:-1]) / 2
grid = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2).astype("float32")
plane = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [2]), absolute)
mass = float(np.exp(plane.log_prob(grid)).sum() * (edges[1] - edges[0]) ** 2)
print(f"integral of the density of 2 entries: {mass:.4f}")
for size, value in found.items():
    np.testing.assert_allclose(value, size * one - (size - 1) * math.log(2), rtol=1e-4)
np.testing.assert_allclose(float(inside.log_prob(tf.ones(2))), 2 * one, rtol=1e-4)
np.testing.assert_allclose(mass, 0.5, rtol=1e-3)
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" "$place/look.py" 2> "$place/log" || { tail -20 "$place/log"; exit 1; }
