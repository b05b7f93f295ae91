#!/usr/bin/env bash
# Keras 3.15.1 with TensorFlow Probability 0.25.0: a keras.Variable as the parameter of a distribution or bijector.
#
# Guess: it is taken as a tf.Variable is (tracked, read at each call), or refused.
# Seen: neither. Its value at construction is copied into a constant: no trainable variables, gradient None, and what
# is assigned to it later is not seen. Its `value`, the tf.Variable inside, is taken as meant.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0 keras==3.15.1 tf_keras==2.21.0 tensorflow-probability==0.25.0
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" - <<'PYTHON'
import keras, tensorflow as tf, tensorflow_probability as tfp

def look(given, variable):
    """Trainable variables seen, whether there is a gradient, and the mean and the shift after an assignment."""
    normal, shift = tfp.distributions.Normal(given, 1.0), tfp.bijectors.Shift(given)
    with tf.GradientTape() as tape:
        loss = normal.log_prob(1.0) + shift.forward(tf.constant(1.0))
    gradient = tape.gradient(loss, variable.value)
    variable.assign(5.0)
    seen = len(normal.trainable_variables), len(shift.trainable_variables)
    return *seen, gradient is not None, float(normal.mean()), float(shift.forward(tf.constant(1.0)))

first, second = keras.Variable(0.0), keras.Variable(0.0)
as_it_is, inside = look(first, first), look(second.value, second)
print("keras.Variable:        ", as_it_is)
print("its value, tf.Variable:", inside)
assert as_it_is == (0, 0, False, 0.0, 1.0) and inside == (1, 1, True, 5.0, 6.0)
PYTHON
