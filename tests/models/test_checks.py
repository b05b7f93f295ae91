"""What `log_prob`, `encode`, `decode` and `sample` check, eagerly and in graphs; contexts broadcast against events."""

import numpy as np
import pytest
import tensorflow as tf

from tfflows import models

SMALL = {"num_layers": 2, "hidden_units": (4,), "seed": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(5, 2)).astype("float32")
LABELS = np.array([0, 1, 2, 1, 0])
CONTEXT = RNG.normal(size=(5, 4)).astype("float32")
IMAGES = RNG.integers(256, size=(5, 4, 4, 1)).astype("uint8")


def shaken(flow, by=0.1):
    """The flow with other weights, so that its context matters."""
    rng = np.random.default_rng(1)
    for weight in flow.trainable_variables:
        weight.assign_add(by * rng.normal(size=weight.shape))
    return flow


def vectors(kind=models.RealNVP, **options):
    return shaken(kind((2,), **SMALL, **({"num_classes": 3} | options)))


def images(**options):
    return models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4, num_classes=3, seed=0, **options)


@pytest.fixture(scope="module")
def flow():
    return vectors()


@pytest.fixture(scope="module")
def glow():
    return shaken(images(), by=0.01)


def methods(flow, x=X):
    """Each method as a function of a context."""
    return {
        "log_prob": lambda context: flow.log_prob(x, context),
        "encode": lambda context: flow.encode(x, context),
        "decode": lambda context: flow.decode(x, context),
        "sample": lambda context: flow.sample(len(x), context=context),
        "sample_and_log_prob": lambda context: flow.sample_and_log_prob(len(x), context=context),
    }


def test_vector_contexts():
    conditional = vectors(num_classes=None, context_size=4)
    for call in methods(conditional).values():
        with pytest.raises(ValueError, match=r"one for each of the events. Received: contexts of batch shape \(3,\)"):
            call(CONTEXT[:3])
    at_once = conditional.log_prob(X[:, None], CONTEXT[None, :3]).numpy()
    one_by_one = np.stack([conditional.log_prob(X, CONTEXT[i]) for i in range(3)], axis=1)
    np.testing.assert_allclose(at_once, one_by_one, rtol=1e-5)
    assert np.abs(np.diff(at_once, axis=1)).min() > 1e-4


@pytest.mark.parametrize("kind", [models.RealNVP, models.NeuralSplineFlow, models.AutoregressiveFlow])
def test_every_class_at_once(kind):
    flow, classes = vectors(kind), np.arange(3)
    right = np.stack([flow.log_prob(X, np.full(5, label)) for label in classes], axis=1)
    assert np.abs(np.diff(right, axis=1)).min() > 1e-4
    np.testing.assert_allclose(flow.log_prob(X[:, None], classes[None]), right, rtol=1e-5)
    spec = [tf.TensorSpec([None, None, 2]), tf.TensorSpec([None, None], tf.int32)]
    unknown = tf.function(flow.log_prob, input_signature=spec, autograph=False)
    np.testing.assert_allclose(unknown(X[:, None], classes[None].astype("int32")), right, rtol=1e-5)
    z = flow.encode(X[:, None], classes[None])
    assert z.shape == (5, 3, 2)
    np.testing.assert_allclose(flow.decode(z, classes), np.repeat(X[:, None], 3, axis=1), atol=1e-4)
    np.testing.assert_allclose(flow.decode(z[:, :1], classes[None])[:, 0], X, atol=1e-4)


def test_every_class_of_images_at_once(glow):
    classes = np.arange(3)
    right = np.stack([glow.log_prob(IMAGES, np.full(5, label), seed=4) for label in classes], axis=1)
    assert np.abs(np.diff(right, axis=1)).min() > 1e-3
    np.testing.assert_allclose(glow.log_prob(IMAGES[:, None], classes[None], seed=4), right, rtol=1e-5)
    np.testing.assert_array_equal(glow.decode(glow.encode(IMAGES[:, None], classes), classes)[:, 2], IMAGES)


def test_noise_that_is_learned_is_subtracted_from_every_class():
    glow, classes = images(dequantization="variational"), np.arange(3)
    glow.dequantization.set_weights([w + 0.1 for w in glow.dequantization.get_weights()])
    right = np.stack([glow.log_prob(IMAGES, np.full(5, label), seed=4) for label in classes], axis=1)
    np.testing.assert_allclose(glow.log_prob(IMAGES[:, None], classes[None], seed=4), right, rtol=1e-5)


def test_reals_that_were_made_of_levels(glow):
    for call in (glow.log_prob, glow.encode):
        assert np.isfinite(call(IMAGES + 0.5, LABELS)).all()
        assert np.isfinite(call(np.zeros(IMAGES.shape, "float32"), LABELS)).all()


def test_shapes_and_dtypes(flow):
    with pytest.raises(ValueError, match=r"expects events of shape \(2,\). Received: shape \(5, 3\)"):
        flow.encode(np.zeros((5, 3), "float32"), LABELS)
    with pytest.raises(ValueError, match=r"expects latents of shape \(2,\). Received: shape \(5, 3\)"):
        flow.decode(np.zeros((5, 3), "float32"), LABELS)
    with pytest.raises(TypeError, match="floating-point events. Received: dtype int64"):
        flow.encode(np.zeros((5, 2), "int64"), LABELS)


def test_predict_checks_too_where_xla_drops_assertions(flow):
    many = np.repeat(X, 20, axis=0), np.repeat(LABELS + 9, 20)
    with pytest.raises(ValueError, match="labels from 0 to 2. Received: 100 others, the first 9"):
        flow.predict(many, verbose=0)


def test_unsigned_labels_and_none_of_label_dropout():
    small = {"patch_size": 2, "num_flows": 1, "units": 4, "num_heads": 1, "num_blocks": 1, "seed": 0}
    flow = models.TransformerFlow((4, 4, 1), **small, num_classes=3, label_dropout=0.5)
    signed, unsigned = LABELS[:2], LABELS[:2].astype("uint8")
    shaken(flow)
    for guidance in (0.0, 1.0):
        draws = [flow.sample(2, context=labels, guidance=guidance, seed=1) for labels in (signed, unsigned)]
        np.testing.assert_array_equal(*draws)
    flow.compile("adam", run_eagerly=True)
    assert np.isfinite(flow.fit(IMAGES, LABELS.astype("uint8"), verbose=0).history["loss"]).all()
    assert np.isfinite(flow.log_prob(IMAGES, -np.ones(5, int))).all()  # without a label
    with pytest.raises(ValueError, match="labels from -1 to 2"):
        flow.log_prob(IMAGES, np.full(5, -2))
