#!/usr/bin/env bash
# Keras 3.15.1 on TensorFlow 2.21.0: a first batch that two replicas cannot share evenly.
#
# Guess: fit of five examples in a batch of five under a MirroredStrategy of two trains, as it does on one device.
# Seen: ValueError or InvalidArgumentError, "AddN: Inputs must have the same size": before the first step Keras builds
# the model from a mean over the replicas of the batch itself, of three examples and of two. A first batch of four
# trains, with one of five behind it. What does not depend on the batch's size, such as a loss, is no help.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0 keras==3.15.1 2> "$place/pip.log" || { cat "$place/pip.log"; exit 1; }
cat > "$place/look.py" <<'PYTHON'
import keras
import numpy as np
import tensorflow as tf

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def trains(examples, batch_size, replicas):
    keras.utils.set_random_seed(0)
    with tf.distribute.MirroredStrategy([f"CPU:{i}" for i in range(replicas)]).scope():
        model = keras.Sequential([keras.layers.Dense(1)])
        model.compile("sgd", loss="mse")
    x = np.ones([examples, 3], "float32")
    try:
        model.fit(x, x[:, :1], batch_size=batch_size, verbose=0)
        return "trains"
    except Exception as error:
        return f"{type(error).__name__}, AddN" if "AddN" in str(error) else f"{type(error).__name__}: {error}"


found = {
    "one replica, five examples in one batch": trains(5, 5, 1),
    "two replicas, four examples in one batch": trains(4, 4, 2),
    "two replicas, seven examples in batches of four": trains(7, 4, 2),
    "two replicas, five examples in one batch": trains(5, 5, 2),
}
for what, each in found.items():
    print(f"{what}: {each}")
*others, last = found.values()
assert set(others) == {"trains"} and last.endswith(", AddN")
PYTHON
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" "$place/look.py" 2> "$place/log" || { tail -5 "$place/log"; exit 1; }
