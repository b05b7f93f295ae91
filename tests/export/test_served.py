"""SavedModels as clients use them: what is served by default, and draws with and without a seed."""

import keras
import numpy as np
import tensorflow as tf

from tfflows.layers import GaussianPosterior
from tfflows.models import Glow, RealNVP, VariationalAutoencoder


def test_the_first_endpoint_is_served_and_sample_has_defaults(tmp_path):
    keras.utils.set_random_seed(0)  # which must not fix the draws of those who load the model
    flow = RealNVP((2,), num_layers=2, hidden_units=(4,), num_classes=2, seed=0)
    flow.export(tmp_path)
    served, x, labels = tf.saved_model.load(str(tmp_path)), np.ones([3, 2], "float32"), np.array([0, 1, 1], "int32")
    expected = flow.log_prob(x, labels)
    np.testing.assert_allclose(served.serve(x, labels), expected, rtol=1e-6)
    np.testing.assert_allclose(served.log_prob(x=x, context=labels), expected, rtol=1e-6)
    assert set(served.signatures) == {"serving_default", "log_prob", "sample", "forward", "inverse"}
    found = served.signatures["serving_default"](x=tf.constant(x), context=tf.constant(labels))["output_0"]
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    one, other = (served.sample(3, context=labels) for _ in range(2))
    assert (
        np.abs(one - other).min() > 0
        and np.abs(tf.saved_model.load(str(tmp_path)).sample(3, context=labels) - one).min() > 0
    )
    drawn = flow.sample(3, context=labels, seed=5)
    np.testing.assert_allclose(served.sample(3, seed=[0, 5], context=labels), drawn, rtol=1e-5)
    np.testing.assert_allclose(served.sample(3, [0, 5], 1.0, labels), drawn, rtol=1e-5)
    proto = tf.compat.v1.saved_model.loader.load  # what a server reads: the defaults of the signature
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signature = proto(session, ["serve"], str(tmp_path)).signature_def["sample"]
    assert set(signature.defaults) == {"seed", "temperature"}
    assert signature.defaults["temperature"].float_val == [1.0]


def test_chosen_endpoints(tmp_path):
    flow = RealNVP((2,), num_layers=2, hidden_units=(4,), seed=0)
    flow.export(tmp_path / "all")
    served = tf.saved_model.load(str(tmp_path / "all"))
    np.testing.assert_allclose(served.sample(4, temperature=0.5, seed=[0, 3]), flow.sample(4, temperature=0.5, seed=3))
    assert served.sample(4).shape == (4, 2)
    tmp_path /= "one"
    flow.export(tmp_path, endpoints="inverse")
    served = tf.saved_model.load(str(tmp_path))
    assert set(served.signatures) == {"serving_default", "inverse"} and not hasattr(served, "sample")
    np.testing.assert_allclose(served.serve(tf.ones([3, 2])), flow.encode(np.ones([3, 2], "float32")), rtol=1e-6)


def test_integers_are_served_as_the_flow_takes_them(tmp_path):
    flow = Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, discrete_levels=4, seed=0)
    flow.export(tmp_path, endpoints=("discrete_log_prob", "sample"))
    served, x = tf.saved_model.load(str(tmp_path)), np.arange(32, dtype="int32").reshape(2, 4, 4, 1) % 4
    np.testing.assert_allclose(served.serve(x, [0, 5]), flow.log_prob(x, seed=5), rtol=1e-5)
    assert np.abs(served.serve(x) - served.serve(x)).min() > 0
    assert served.sample(2).dtype == tf.uint8


def test_an_autoencoder(tmp_path):
    vae = VariationalAutoencoder(keras.layers.Dense(4), keras.layers.Dense(6), GaussianPosterior(2, seed=0))
    vae.build((None, 6))
    vae.export(tmp_path / "saved")
    served, x = tf.saved_model.load(str(tmp_path / "saved")), tf.ones([3, 6])
    np.testing.assert_allclose(served.serve(x, [0, 3]), vae.encode(x, seed=3), rtol=1e-5)
    assert np.abs(served.encode(x) - served.encode(x)).min() > 0 and served.sample(4).shape == (4, 6)
    assert served.log_weights(x, 2).shape == (2, 3)
    vae.export(tmp_path / "decoder.tflite", "litert", verbose=True)
    runner = tf.lite.Interpreter(model_path=str(tmp_path / "decoder.tflite")).get_signature_runner("decode")
    z = np.array([[0.5, -1.0], [2.0, 0.0]], "float32")
    np.testing.assert_allclose(runner(z=z)["decode"], vae.decode(z), atol=1e-5)
