#!/usr/bin/env bash
# Keras 3.15.1 (TensorFlow backend): `steps` and `validation_steps` with `steps_per_execution`.
#
# Guess: `evaluate(dataset, steps=5)` averages over 5 batches, whatever `steps_per_execution` is.
# Seen: with steps_per_execution=32 it runs whole executions, so 32 batches of a dataset that repeats, and so does
# `fit(validation_steps=5)`; the progress bar speaks of 5. Metrics are of the 32. A number of steps that is a multiple of
# `steps_per_execution` is kept.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0 keras==3.15.1
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" - <<'PYTHON'
import keras, tensorflow as tf

class Count(keras.metrics.Sum):
    """The number of examples seen."""

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(tf.ones([tf.shape(y_true)[0]]))

def batches_seen(steps_per_execution, **options):
    model = keras.Sequential([keras.Input([1]), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=[Count(name="count")], steps_per_execution=steps_per_execution)
    batches = tf.data.Dataset.from_tensors((tf.ones([1, 1]), tf.ones([1, 1]))).repeat()
    if "steps" in options:
        return int(model.evaluate(batches, verbose=0, return_dict=True, **options)["count"])
    history = model.fit(batches, steps_per_epoch=64, validation_data=batches, verbose=0, **options).history
    return int(history["val_count"][-1])

seen = {
    (n, name, steps): batches_seen(n, **{name: steps})
    for n in (1, 32)
    for name in ("steps", "validation_steps")
    for steps in (5, 64)
}
for (n, name, steps), count in seen.items():
    print(f"steps_per_execution={n}, {name}={steps}: {count} batches")
assert all(seen[1, name, steps] == steps for name in ("steps", "validation_steps") for steps in (5, 64))
assert seen[32, "steps", 5] == seen[32, "validation_steps", 5] == 32
assert seen[32, "steps", 64] == seen[32, "validation_steps", 64] == 64
PYTHON
