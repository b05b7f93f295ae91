"""Rows about what is taken and what is refused: labels, values, streams, models that are not compiled."""

import numpy as np
import pytest
import tensorflow as tf
from case_of_model import CLASSES, LEVELS, negative_log_likelihoods, rewound
from rows import row

NO_LABELS = "its context is no label"
NO_CONTEXT = "it takes no context"
DRAWS = "it draws its examples itself and takes no data"
SIGNED_AND_UNSIGNED = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def by_context(case, model, n):
    """The methods that take a context, as functions of it."""
    x = case.x(n)
    found = {
        "log_prob": lambda c: [model.log_prob(x, c, seed=3)],
        "encode": lambda c: [model.encode(x, c, seed=3)],
        "decode": lambda c: [model.decode(case.latents(model, n), c)],
        "sample": lambda c: [model.sample(n, context=c, seed=4)],
        "predict": lambda c: [rewound(model).predict((x, c), batch_size=4, verbose=0)],
        "fit": lambda c: [rewound(model).fit(x, c, batch_size=n, verbose=0, shuffle=False).history["loss"]],
        "evaluate": lambda c: [rewound(model).evaluate(x, c, batch_size=n, verbose=0)],
    }
    if case.kind == "reals":
        found["sample_and_log_prob"] = lambda c: model.sample_and_log_prob(n, context=c, seed=4)
    return found


@row("flow_model", "transformer_dropout", vector_context=NO_LABELS, no_context=NO_CONTEXT)
def labels(case, _):
    """Labels of every integer dtype are the same labels to every method, to the bit."""
    model, labels = case.to_train(), case.contexts(6)
    for name, method in by_context(case, model, 6).items():
        right = method(labels)
        for dtype in SIGNED_AND_UNSIGNED if name in ("log_prob", "sample") else ["uint8"]:
            for found, one in zip(method(labels.astype(dtype)), right, strict=True):
                np.testing.assert_array_equal(found, one, err_msg=f"{name} of {dtype}")
    stream = tf.data.Dataset.from_tensors((case.x(6), labels.astype("uint8")))
    assert rewound(model).fit(stream, verbose=0).history["loss"] == by_context(case, model, 6)["fit"](labels)[0]


@row("real_nvp", "transformer_dropout", "few_labels", vector_context=NO_LABELS, no_context=NO_CONTEXT)
def label_range(case, _):
    """Every method refuses labels out of range, and floats, by name, and changes nothing."""
    model, labels = case.to_train(0.1), case.contexts(6)
    before = model.get_weights()
    for name, method in by_context(case, model, 6).items():
        least = model.least_training_label if name in ("fit", "evaluate") else model.least_label
        for bad in (17, least - 1):
            wrong = np.where(np.arange(6) == 2, bad, labels)
            with pytest.raises(ValueError, match=rf"labels .*from {least} to {CLASSES - 1}.* Received: .*{bad}"):
                method(wrong)
        with pytest.raises(TypeError, match="integer labels.*Received: dtype float"):
            method(labels / 1.0)
        with pytest.raises(ValueError, match=r"Received: (contexts of batch )?shape \(4,\)|sizes: 6, 4"):
            method(labels[:4])
    wrong = tf.constant(np.where(np.arange(6) == 2, 17, labels))
    for name in ("log_prob", "encode", "decode", "sample"):
        with pytest.raises(tf.errors.InvalidArgumentError, match="labels out of range"):
            tf.function(by_context(case, model, 6)[name], autograph=False)(wrong)
    stream = tf.data.Dataset.from_tensors((case.x(6), wrong))
    for call in (model.fit, model.evaluate, model.predict):
        with pytest.raises(ValueError, match=f"abels .*to {CLASSES - 1}.* Received: "):
            call(stream, verbose=0)
    assert int(model.optimizer.iterations) == 0
    for new, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)


@row("real_nvp", "glow", "gaussian_vae", target=DRAWS)
def value_range(case, _):
    """Levels out of range, data outside of a likelihood's support, and infinite reals are refused by name."""
    model, (x, *context) = case.to_train(0.1), case.batch(6)
    before = model.get_weights()
    refusals = {"reals": [(np.inf, "be finite. Received: ")], "autoencoder": [(0.5, "hold 0 and 1. Received: ")]}
    for value, message in refusals.get(case.kind, [(LEVELS, "from 0 to 16"), (-1, "from 0 to 16")]):
        wrong = x.astype("int32" if case.kind == "levels" else x.dtype)
        wrong[(2,) + (0,) * (x.ndim - 1)] = value
        stream = tf.data.Dataset.from_tensors((wrong, *context))
        asked = [(model.fit, wrong, *context), (model.evaluate, wrong, *context), (model.fit, stream)]
        if case.kind == "levels":
            asked += [(method, wrong, *context) for method in (model.log_prob, model.encode)]
        if case.kind == "autoencoder":
            asked += [(method, wrong) for method in (model.encode, model.reconstruct, model.log_weights)]
        if case.kind != "reals":  # of reals every method says what their density is
            batch = (wrong, *context) if context else wrong
            asked += [(model, batch), (model.predict, batch), (model.predict, stream), (model.evaluate, stream)]
            for method in (model.encode, model.log_weights if case.kind == "autoencoder" else model.log_prob):
                with pytest.raises(tf.errors.InvalidArgumentError, match="bad events"):
                    tf.function(method, autograph=False)(tf.constant(wrong), *context)
        for method, *arguments in asked:
            with pytest.raises(ValueError, match=message):
                method(*arguments)
                pytest.fail(f"{method} took {value}")
    if case.kind == "levels":
        for method in (model.log_prob, model.encode):
            with pytest.raises(ValueError, match="takes integers from 0 to 16.* Received: floats from 0 to 1"):
                method(np.linspace(0, 1, x.size, dtype="float32").reshape(x.shape), *context)
    assert int(model.optimizer.iterations) == 0
    for new, old in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(new, old)


@row("real_nvp", "gaussian_vae", "variational_flow")
def uncompiled(case, _):
    """What answers does so without `compile`, and the same after it; `fit` and `evaluate` ask for it by name."""
    model = case.fresh()
    before = {name: answer() for name, answer in case.answers(model, 6).items()}
    predicted = case.predicted(rewound(model), 6)
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"You must call `compile\(\)` before"):
            call(*(() if case.kind == "target" else case.batch(6)))
    model.compile("adam")
    np.testing.assert_array_equal(case.predicted(rewound(model), 6), predicted)
    for name, answer in case.answers(model, 6).items():
        for found, right in zip(answer(), before[name], strict=True):
            np.testing.assert_array_equal(found, right, err_msg=name)


def untyped(parts, size=4):
    """A dataset that has lost its shapes."""
    batches = lambda: iter([tuple(part[i : i + size] for part in parts) for i in range(0, len(parts[0]), size)])  # noqa: E731
    return tf.data.Dataset.from_generator(batches, output_types=tuple(tf.as_dtype(part.dtype) for part in parts))


def generated(parts, size=4):
    for i in range(0, len(parts[0]), size):
        yield tuple(part[i : i + size] for part in parts) if len(parts) > 1 else parts[0][i : i + size]


@row("real_nvp_context", "gaussian_vae", target=DRAWS)
def streams(case, _):
    """Datasets that have lost their shapes, generators and iterators train, judge and answer as arrays do."""
    batch = case.batch(10)
    first = tuple(part[:4] for part in batch)
    for eager, streams in ((True, [untyped, generated, lambda parts: iter([parts])]), (False, [untyped])):
        model = case.to_train(eager=eager)
        nll = np.mean(negative_log_likelihoods(model, first))
        for stream in streams:
            loss = rewound(model).fit(stream(first), verbose=0).history["loss"]
            assert loss == [pytest.approx(nll, rel=1e-5)]
        judged = rewound(model).evaluate(*batch, batch_size=4, verbose=0, return_dict=True)
        predicted = rewound(model).predict(tf.data.Dataset.from_tensor_slices(batch).batch(4), verbose=0)
        for stream in streams[:2]:
            found = rewound(model).evaluate(stream(batch), verbose=0, return_dict=True)
            assert found == {name: pytest.approx(value, rel=1e-5) for name, value in judged.items()}
            found = rewound(model).predict(stream(batch), verbose=0)
            tf.nest.map_structure(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), found, predicted)
