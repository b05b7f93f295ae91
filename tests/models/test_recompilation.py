"""Under XLA a training step compiles once: neither data nor weights may be constants of the program."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import models

IMAGES = np.random.default_rng(0).integers(17, size=(4, 8, 8, 1)).astype("uint8")
VECTORS = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
GLOW = {"num_levels": 1, "hidden_filters": 4, "discrete_levels": 17, "seed": 0}
CASES = {
    "real_nvp": (lambda: models.RealNVP((3,), num_layers=2), VECTORS),
    "glow_stored": (lambda: models.Glow((8, 8, 1), steps_per_level=2, **GLOW), IMAGES),
    "glow_reversible": (lambda: models.Glow((8, 8, 1), steps_per_level=2, reversible=True, **GLOW), IMAGES),
    "splines": (lambda: models.NeuralSplineFlow((3,), num_layers=2), VECTORS),
    "autoregressive_splines": (lambda: models.NeuralSplineFlow((3,), num_layers=2, kind="autoregressive"), VECTORS),
    "maf": (lambda: models.AutoregressiveFlow((3,), num_layers=2), VECTORS),
    "iaf": (lambda: models.AutoregressiveFlow((3,), num_layers=2, parallel="forward"), VECTORS),
    "transformer": (
        lambda: models.TransformerFlow((8, 8, 1), patch_size=4, num_flows=1, units=8, discrete_levels=17),
        IMAGES,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_data_and_weights_are_inputs_of_the_program(case):
    make, x = CASES[case]
    flow = make()
    flow.adapt(x)

    @tf.function(jit_compile=True, autograph=False)
    def gradients(x):
        options = {"seed": tf.constant([0, 1])} if x.dtype.is_integer else {}
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(flow.log_prob(x, **options))
        return tape.gradient(loss, flow.trainable_variables)

    x = tf.constant(x)
    program = gradients.experimental_get_compiler_ir(x)(stage="hlo")
    inputs = program[program.index("ENTRY") :].count(" parameter(")
    assert inputs == 1 + len(gradients.get_concrete_function(x).captured_inputs)
