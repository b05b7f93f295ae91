#!/usr/bin/env bash
# Keras 3.15.1: the automatic config of a subclass of keras.Model.
#
# Guess: as for a keras.layers.Layer, a subclass without get_config gets one from the arguments it was made with.
# Seen: of a Model it holds the constructor's defaults, whatever was given, and nothing is raised. A saved model loads
# with them: where no weight has another shape, it is another function without a word. The same class as a Layer is right.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q tensorflow==2.21.0 keras==3.15.1
cd "$place"
TF_CPP_MIN_LOG_LEVEL=3 "$place/env/bin/python" - <<'PYTHON'
import keras, numpy as np

def scaling(base):
    @keras.saving.register_keras_serializable("findings", name=base.__name__)
    class Scaling(base):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.dense = factor, keras.layers.Dense(1)

        def build(self, input_shape):
            self.dense.build(input_shape)

        def call(self, x):
            return self.factor * self.dense(x)

    return Scaling

found, x = {}, np.ones([1, 2], "float32")
for base in (keras.layers.Layer, keras.Model):
    made = scaling(base)(factor=10.0)
    found[base.__name__] = made.get_config()["factor"]
    print(f"{base.__name__}: made with factor 10, config says {found[base.__name__]}")
before = made.predict(x, verbose=0)
made.save("scaling.keras")
after = keras.saving.load_model("scaling.keras").predict(x, verbose=0)
ratio = float((before / after).item())
print(f"saved model over loaded model: {ratio:.4g}")
assert found == {"Layer": 10.0, "Model": 1.0} and abs(ratio - 10) < 1e-4
PYTHON
