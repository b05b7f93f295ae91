#!/bin/sh
# TensorFlow: second derivatives through `tf.slice` under XLA.
#
# Guess: what has a second derivative in a `tf.function` has it with `jit_compile=True`, on a CPU as well.
# Seen (TensorFlow 2.21.0, CPU): `sum(slice(x)^3)` has the right first derivative both ways. Its Hessian-vector product,
# reverse over reverse and forward over reverse, is right in a graph; under XLA tracing fails with "gradient registry has
# no entry for: XlaDynamicUpdateSlice", the operation that the gradient of `tf.slice` is made of there alone.
# Here: `tfflows.joint.missing_gradients` registers the gradient of that operation.
#
# Installs into a temporary folder; needs Python 3.10 to 3.13 and a package index. Exit code 1 if this is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet "tensorflow==2.21.0"
TF_CPP_MIN_LOG_LEVEL=3 "$folder/env/bin/python" - <<'PYTHON'
import sys

import tensorflow as tf

x = tf.constant([1.0, 2.0, 3.0])


def first(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(tf.slice(x, [1], [2]) ** 3)
    return tape.gradient(y, x)


def reverse_over_reverse(x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(first(x))
    return tape.gradient(total, x)


def forward_over_reverse(x):
    with tf.autodiff.ForwardAccumulator(x, tf.ones_like(x)) as accumulator:
        gradient = first(x)
    return accumulator.jvp(gradient)


def outcome(function, jit_compile):
    try:
        return tf.function(function, jit_compile=jit_compile, autograph=False)(x).numpy().tolist()
    except LookupError as error:
        return f"{type(error).__name__}: {error}"


found = {f.__name__: (outcome(f, False), outcome(f, True)) for f in (first, reverse_over_reverse, forward_over_reverse)}
for name, (graph, xla) in found.items():
    print(f"{name}: graph {graph}, XLA {xla}")
missing = "LookupError: gradient registry has no entry for: XlaDynamicUpdateSlice"
expected = {"first": ([0.0, 12.0, 27.0],) * 2} | dict.fromkeys(list(found)[1:], ([0.0, 12.0, 18.0], missing))
sys.exit(found != expected)
PYTHON
echo "as described"
