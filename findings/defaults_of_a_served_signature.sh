#!/usr/bin/env bash
# TensorFlow 2.21.0: the default values that a SavedModel tells a server (SignatureDef.defaults).
#
# Guess: an argument's default goes with its name. f(x, shift=1, scale=None), saved with a signature of x and shift as a
# sampler is that is served without its optional context, has {"shift": 1}.
# Seen: {"x": 1}. Where the signature leaves out arguments at the end, defaults are given to the last arguments of the
# signature by position: without a word the example gets the default of the shift, and shift has none. Of arguments of
# unlike shapes saving raises. The function itself, called after loading, has the right default.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0
cat > "$place/look.py" <<'PYTHON'
import sys
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2


def saved(function, name, *signature):
    model = tf.Module()
    model.f = tf.function(function, input_signature=signature, autograph=False)
    path = f"{sys.argv[1]}/{name}"
    tf.saved_model.save(model, path, signatures={"f": model.f})
    file = saved_model_pb2.SavedModel()
    with open(f"{path}/saved_model.pb", "rb") as stream:
        file.ParseFromString(stream.read())
    defaults = file.meta_graphs[0].signature_def["f"].defaults
    return {key: tf.make_ndarray(value).tolist() for key, value in defaults.items()}, tf.saved_model.load(path)


x, shift, scale = (tf.TensorSpec([], name=name) for name in ("x", "shift", "scale"))
whole, _ = saved(lambda x, shift=tf.constant(1.0), scale=tf.constant(7.0): x * scale + shift, "whole", x, shift, scale)
short, loaded = saved(lambda x, shift=tf.constant(1.0), scale=None: x + shift, "short", x, shift)
called = float(loaded.f(tf.constant(5.0)))
print("all arguments in the signature:", whole)
print("scale left out:", short)
print("called after loading, 5 and the default shift 1:", called)
try:
    saved(lambda x, seed=tf.constant([1, 2]), context=None: x, "unlike", tf.TensorSpec([None, 4], name="x"),
          tf.TensorSpec([2], tf.int32, name="seed"))
    unlike = "saved"
except ValueError as error:
    unlike = "ValueError"
    print("arguments of unlike shapes:", str(error)[:50])
assert whole == {"shift": 1.0, "scale": 7.0}
assert short == {"x": 1.0} and called == 6.0 and unlike == "ValueError"
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" "$place/look.py" "$place" 2> "$place/log" || { cat "$place/log"; exit 1; }
