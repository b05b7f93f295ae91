"""Two replicas train as one: per-example losses, reduced as Keras reduces its own. In a process with two devices."""

import json
import subprocess
import sys

import numpy as np

PROGRAM = """
import json, keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfflows.models import RealNVP
data = (np.random.default_rng(0).normal(size=(600, 3)) * 3 + 1).astype("float32")

def train():
    flow = RealNVP(event_shape=(3,), num_layers=2, hidden_units=(16,), seed=0)
    flow.adapt(data)
    flow.compile(keras.optimizers.SGD(1e-2), jit_compile=False)
    losses = flow.fit(data, batch_size=200, shuffle=False, epochs=3, verbose=0).history["loss"]
    return {"losses": losses, "weights": [w.numpy().tolist() for w in flow.trainable_variables]}

one = train()
with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
    two = train()
print(json.dumps([one, two]))
"""


def test_mirrored_replicas_agree_with_one_device():
    result = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr[-2000:]
    one, two = json.loads(result.stdout.strip().splitlines()[-1])
    np.testing.assert_allclose(one["losses"], two["losses"], rtol=1e-5)
    for a, b in zip(one["weights"], two["weights"]):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
