"""Rows about files: `.keras`, and SavedModels."""

import keras
import numpy as np
import tensorflow as tf
from case_of_model import rewound
from rows import row


@row("flow_model", "few_labels", "coupling_vae")
def save_and_load(case, folder):
    """A loaded model answers in the same bits, holds the same weights and trains on."""
    model = case.to_train(0.01)
    model.save(folder / "model.keras")
    loaded = keras.saving.load_model(folder / "model.keras")
    if case.kind == "target":  # a file of the flow; no file holds a function
        model = model.flow
    assert type(loaded) is type(model)
    for new, old in zip(loaded.variables, model.variables, strict=True):
        np.testing.assert_array_equal(new, old, err_msg=old.path)
    theirs = case.answers(loaded, 6)
    for name, answer in case.answers(model, 6).items():
        for found, right in zip(theirs[name](), answer(), strict=True):
            np.testing.assert_array_equal(found, right, err_msg=name)
    np.testing.assert_array_equal(case.predicted(rewound(loaded), 6), case.predicted(rewound(model), 6))
    loaded.compile("adam", run_eagerly=True)
    assert np.isfinite(loaded.fit(*case.batch(6), verbose=0).history["loss"]).all()
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


@row("real_nvp", "gaussian_vae")
def export(case, folder):
    """A SavedModel gives the model's values, at any size of batch."""
    model = case.shared()
    model.export(folder / "served")
    served = tf.saved_model.load(str(folder / "served"))
    for n in (5, 1, 0):
        x, seed = case.x(n), tf.constant([0, 3])
        context = () if case.contexts(n) is None else (tf.constant(case.contexts(n), served_dtype(case)),)
        if case.kind == "autoencoder":
            pairs = [
                (served.encode(x, seed), model.encode(x, seed=3)),
                (served.decode(model.encode(x, seed=3)), model.reconstruct(x, seed=3)),
                (served.sample(n, seed, 0.7), model.sample(n, seed=3, temperature=0.7)),
                (served.log_weights(x, 2, seed), model.log_weights(x, num_samples=2, seed=3)),
            ]
        else:
            flow, y = getattr(model, "flow", model), case.reals(n)
            named = {"context": context[0]} if context else {}
            z = flow.encode(y, *context)
            signature = served.signatures["log_prob"](x=tf.constant(y), **named)
            pairs = [
                (served.log_prob(y, *context), flow.log_prob(y, *context)),
                (next(iter(signature.values())), flow.log_prob(y, *context)),
                (served.sample(n, seed, 0.7, *context), flow.sample(n, seed=3, temperature=0.7, **named)),
            ]
            if n or case.kind != "levels":  # TensorFlow convolves no images to none of another size (oneDNN)
                pairs += [(served.inverse(y, *context), z), (served.forward(z, *context), y)]
            if case.kind == "levels":
                found = served.discrete_log_prob(tf.constant(x, tf.int32), seed, *context)
                pairs.append((found, flow.log_prob(x, *context, seed=3)))
        for found, right in pairs:
            found, right = np.asarray(found), np.asarray(right)
            assert found.dtype == right.dtype and found.shape == right.shape
            np.testing.assert_allclose(found, right, rtol=1e-5, atol=1e-4)


def served_dtype(case):
    return tf.int32 if case.context == "class" else tf.float32
