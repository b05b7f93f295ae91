#!/usr/bin/env bash
# TensorFlow 2.21.0 on a CPU: the convolution of a batch of no images.
#
# Guess: no images of the output's size and channels, [0, 3, 3, 8] here, as pooling, XLA and the static shape say.
# Seen: [0, 8, 8, 3], the shape of the input, eagerly and in a function, for conv2d, depthwise_conv2d and conv3d,
# against the shape that the graph was traced with; what follows then fails or computes with the wrong number of
# channels. With TF_ENABLE_ONEDNN_OPTS=0 every shape is right.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0
cat > "$place/look.py" <<'PYTHON'
import sys
import tensorflow as tf

x, kernel = tf.zeros([0, 8, 8, 3]), tf.zeros([3, 3, 3, 8])
function = tf.function(
    lambda x: tf.nn.conv2d(x, kernel, 2, "VALID"), input_signature=[tf.TensorSpec([None, 8, 8, 3])], autograph=False
)
compiled = tf.function(lambda x: tf.nn.conv2d(x, kernel, 2, "VALID"), jit_compile=True, autograph=False)
found = {
    "conv2d": tf.nn.conv2d(x, kernel, 2, "VALID"),
    "depthwise_conv2d": tf.nn.depthwise_conv2d(x, tf.zeros([3, 3, 3, 2]), [1, 2, 2, 1], "VALID"),
    "conv3d": tf.nn.conv3d(tf.zeros([0, 8, 8, 8, 3]), tf.zeros([3, 3, 3, 3, 8]), [1, 2, 2, 2, 1], "VALID"),
    "in a function": function(x),
    "under XLA": compiled(x),
    "max_pool2d": tf.nn.max_pool2d(x, 2, 2, "VALID"),
}
found = {name: tuple(each.shape) for name, each in found.items()}
traced = tuple(function.get_concrete_function().structured_outputs.shape)
for name, shape in {**found, "as traced": traced}.items():
    print(f"{name:20}{shape}")
right = {
    "conv2d": (0, 3, 3, 8), "depthwise_conv2d": (0, 3, 3, 6), "conv3d": (0, 3, 3, 3, 8), "in a function": (0, 3, 3, 8),
    "under XLA": (0, 3, 3, 8), "max_pool2d": (0, 4, 4, 3),
}
wrong = {
    "conv2d": (0, 8, 8, 3), "depthwise_conv2d": (0, 8, 8, 3), "conv3d": (0, 8, 8, 8, 3), "in a function": (0, 8, 8, 3),
}
assert traced == (None, 3, 3, 8)
assert found == (right if sys.argv[1] == "right" else {**right, **wrong})
PYTHON
echo "as it comes"; TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" "$place/look.py" wrong
echo "without oneDNN"; TF_ENABLE_ONEDNN_OPTS=0 TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" "$place/look.py" right
