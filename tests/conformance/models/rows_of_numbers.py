"""Rows about what densities are: double precision, derivatives, batches of none and of one."""

import numpy as np
import pytest
import tensorflow as tf
from case_of_model import negative_log_likelihoods, rewound
from rows import row


def log_determinants(function, x):
    """`log|det d function / dx|` of each example of float64 vectors or images, by autodiff."""
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = function(x)
    jacobians = tape.batch_jacobian(y, x, experimental_use_pfor=False)
    size = int(np.prod(x.shape[1:]))
    return y, np.linalg.slogdet(tf.reshape(jacobians, [-1, size, size]).numpy())[1]


@row("flow_model", "real_nvp", "sylvester_triangular_vae")
def float64(case, _):
    """Weights, losses and densities are float64; the density is the change of variables by autodiff, to 1e-9."""
    model, n = case.shared("float64"), 3
    assert {weight.dtype for weight in model.trainable_variables} == {"float64"} and model.density_dtype == "float64"
    if case.kind == "autoencoder":
        h = model.encoder(case.x(n, "float64"))
        z, log_q = model.posterior.draw(h, seed=5)
        mean, raw = np.split(model.posterior.heads(h), 2, axis=-1)
        z_0, log_det, log_scale = z, 0.0, 10 * np.tanh(raw / 10)
        if model.posterior.flow is not None:
            z_0 = model.posterior.flow.inverse(z, context=h)
            forward, log_det = log_determinants(lambda z: model.posterior.flow.forward(z, context=h), tf.identity(z_0))
            np.testing.assert_allclose(forward, z, rtol=1e-9, atol=1e-9)
        e = (z_0 - mean) / np.exp(log_scale)
        found, right = log_q, np.sum(-0.5 * e**2 - 0.5 * np.log(2 * np.pi) - log_scale, axis=-1) - log_det
    else:
        x, context = tf.constant(case.reals(n, "float64")), case.contexts(n)
        kwargs = {} if context is None else {"context": context}
        encode = (lambda x: model.flow.encode(x)) if case.kind == "target" else (lambda x: model.encode(x, context))
        z, log_det = log_determinants(encode, x)
        found, right = model.log_prob(x, **kwargs), model.distribution.distribution.log_prob(z) + log_det
        kwargs = {} if case.kind == "target" else model._context_kwargs(context)
        np.testing.assert_allclose(model.bijector.forward(tf.identity(z), **kwargs), x, rtol=1e-7, atol=1e-7)
    assert found.dtype == tf.float64
    np.testing.assert_allclose(found, right, rtol=1e-9)
    trained = case.to_train(dtype="float64")
    if case.kind == "target":
        found = rewound(trained).evaluate(steps=1, batch_size=5, verbose=0, return_dict=True)
        x, log_q = rewound(trained).flow.sample_and_log_prob(5, seed=_next_seed(trained))
        right = np.mean(log_q - trained.target_log_prob(x))
        assert found["loss"] == pytest.approx(right, rel=1e-13) == -found["elbo"]
        assert np.isfinite(trained.fit(steps_per_epoch=2, batch_size=5, verbose=0).history["loss"]).all()
        return
    batch = case.batch(8, "float64")
    right = np.mean(negative_log_likelihoods(trained, batch))
    assert right.dtype == np.float64
    loss = rewound(trained).fit(*batch, batch_size=8, shuffle=False, verbose=0).history["loss"]
    assert loss == [pytest.approx(right, rel=1e-13)]


def _next_seed(model):
    return tf.cast(model.seed_generator.next(), tf.int32)


@row("real_nvp", "spline_coupling", "maf", "transformer", "glow", "planar_vae")
def derivatives(case, _):
    """Slope, score and its derivative along a direction, against differences in float64, to 1e-6."""
    model, n, rng = case.shared("float64"), 2, np.random.default_rng(0)
    if case.kind == "autoencoder":  # of a draw and its density, by the features
        x, ahead = tf.constant(rng.normal(size=(n, 5))), tf.constant(rng.normal(size=(n, 3)))

        def value(h):
            z, log_q = model.posterior.draw(h, seed=5)
            return tf.reduce_sum(log_q) + tf.reduce_sum(z * ahead)
    else:
        x, context = tf.constant(case.reals(n, "float64")), case.contexts(n)
        kwargs = {} if context is None else {"context": context}

        def value(x):
            return tf.reduce_sum(model.log_prob(x, **kwargs))

    direction = tf.constant(rng.normal(size=x.shape))

    def derivatives_at(x):
        """The value, its slope, the score, and its derivative, along the direction."""
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                log_prob = value(x)
            score = inner.gradient(log_prob, x)
            slope = tf.reduce_sum(score * direction)
        return log_prob, slope, score, outer.gradient(slope, x)

    step = 1e-5
    _, slope, _, product = derivatives_at(x)
    up, down = (derivatives_at(x + sign * step * direction) for sign in (1, -1))
    assert float(slope) == pytest.approx(float(up[0] - down[0]) / (2 * step), rel=1e-6, abs=1e-7)
    if product is None:  # where the score does not depend on the event
        np.testing.assert_allclose(up[2], down[2], rtol=1e-12)
        return
    np.testing.assert_allclose(product, (up[2] - down[2]) / (2 * step), rtol=1e-6, atol=1e-6)


@row("real_nvp", "gaussian_vae", "variational_flow")
def empty_and_single_batches(case, _):
    """Of one example what is said of it among others, of none nothing; an empty batch leaves a training as it is."""
    model = case.shared()
    for name, answer in case.answers(model, 0).items():
        for found in answer():
            assert (found.shape[1] if name == "log_weights" else found.shape[0]) == 0, name
    for name, answer in case.answers(model, 1).items():
        for found in map(np.asarray, answer()):
            assert (found.shape[1] if name == "log_weights" else found.shape[0]) == 1 and np.isfinite(found).all(), name
    for n in (0, 1):
        found = case.predicted(model, n)
        assert found.shape == (n,) and np.isfinite(found).all()
    if case.kind == "target":
        trained = case.to_train(0.01)
        assert np.isfinite(trained.fit(steps_per_epoch=2, batch_size=1, verbose=0).history["loss"]).all()
        with pytest.raises(ValueError, match="`batch_size` must be an integer of at least 1. Received: 0"):
            trained.fit(batch_size=0)
        return
    if case.is_flow:
        x, context = case.reals(5), case.contexts(5)
        one, all_ = (model.log_prob(x[:k], None if context is None else context[:k]).numpy() for k in (1, 5))
        np.testing.assert_allclose(one, all_[:1], rtol=1e-5)
    models, batch = [case.to_train(0.01, eager=case.kind != "levels") for _ in range(2)], case.batch(5)
    with pytest.raises(ValueError, match="must (hold at least one example|have shape)"):
        models[0].fit(*[part[:0] for part in batch], verbose=0)
    signature = tuple(tf.TensorSpec([None, *part.shape[1:]], part.dtype) for part in batch)
    results = []
    for model, sizes in zip(models, ((5, 1, 0), (5, 1)), strict=True):
        parts = lambda sizes=sizes: iter([tuple(part[:k] for part in batch) for k in sizes])  # noqa: E731
        stream = tf.data.Dataset.from_generator(parts, output_signature=signature)
        judged = rewound(model).evaluate(stream, verbose=0, return_dict=True)
        results.append([*judged.values(), *rewound(model).fit(stream, verbose=0).history["loss"]])
    assert results[0] == pytest.approx(results[1], rel=1e-6) and np.isfinite(results).all()
    (weights, others), start = [model.trainable_variables for model in models], case.fresh().trainable_variables
    for one, other in zip(weights, others, strict=True):
        np.testing.assert_array_equal(one, other)
    assert any((new.numpy() != old.numpy()).any() for new, old in zip(weights, start, strict=True))
    assert np.isfinite(models[0].fit(*[part[:1] for part in batch], verbose=0).history["loss"]).all()
