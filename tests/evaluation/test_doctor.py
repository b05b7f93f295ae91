"""The doctor names what is wrong, in the layer where it is, and nothing else."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp
from faulty_flows import DATA, FAULTS, IMAGES, Held, Stretch, coupling, distribution, flow

from tfflows import bijectors, evaluation, layers, models, networks
from tfflows.evaluation.examination import jacobian, latents

tfb, tfd = tfp.bijectors, tfp.distributions
LABELS = (np.arange(len(DATA)) % 3).astype("int32")
SMALL = {"num_layers": 2, "hidden_units": (4,), "seed": 0}
PICTURES = {"num_levels": 1, "hidden_filters": 2, "seed": 0}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_with_its_layer(fault):
    model, x, layer = FAULTS[fault]()
    report = evaluation.doctor(model, x)
    errors = [each for each in report.findings if each.severity == "error"]
    assert [(each.name, each.layer) for each in errors] == [(fault, layer)], str(report)
    assert set(report.names) <= {fault, "latents unlike the base"}  # which follows
    assert not report.healthy and f"error: {fault}, in {layer}" in str(report)
    assert json.loads(report.to_json())["findings"][0]["name"] == fault


def native():
    links = [tfb.Shift([2.0, -1.0]), tfb.Scale([1.0, 3.0]), tfb.ScaleMatvecTriL([[1.0, 0.0], [0.3, 1.0]])]
    base = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros(2)), tf.ones(2))
    return tfd.TransformedDistribution(base, tfb.Chain(links))


HEALTHY = {
    "real_nvp": lambda: (models.RealNVP((2,), **SMALL), DATA),
    "real_nvp_of_labels": lambda: (models.RealNVP((2,), num_classes=3, **SMALL), DATA, LABELS),
    "real_nvp_of_contexts": lambda: (models.RealNVP((2,), context_size=2, **SMALL), DATA, DATA[::-1] * 50),
    "real_nvp_of_images": lambda: (models.RealNVP((4, 4, 1), num_blocks=1, **PICTURES), IMAGES),
    "glow": lambda: (models.Glow((4, 4, 1), steps_per_level=2, **PICTURES), IMAGES),
    "splines": lambda: (models.NeuralSplineFlow((2,), bins=4, **SMALL), DATA),
    "autoregressive_splines": lambda: (
        models.NeuralSplineFlow((2,), kind="autoregressive", bins=4, **SMALL),
        DATA,
    ),
    "masked_autoregressive": lambda: (models.AutoregressiveFlow((2,), **SMALL), DATA),
    "inverse_autoregressive": lambda: (models.AutoregressiveFlow((2,), parallel="forward", **SMALL), DATA),
    "transformer": lambda: (
        models.TransformerFlow((4, 4, 1), patch_size=2, num_flows=1, num_blocks=1, units=8, num_heads=2, seed=0),
        IMAGES,
    ),
    "native": lambda: (native(), DATA),
}


@pytest.mark.parametrize("kind", HEALTHY)
def test_a_healthy_flow_has_no_findings(kind):
    """Adapted, with no weight where it starts; two as they start, too: their couplings are the identity, not dead."""
    model, *given = HEALTHY[kind]()
    if hasattr(model, "adapt"):
        model.adapt(*given)
        if kind in ("real_nvp", "masked_autoregressive"):
            report = evaluation.doctor(model, *given, num_examples=60)
            assert report.healthy, str(report)
        rng = np.random.default_rng(1)
        for weight in model.trainable_variables:
            weight.assign_add(0.05 * rng.normal(size=weight.shape))
    report = evaluation.doctor(model, *given, num_examples=60)
    assert report.healthy and str(report).startswith(f"{report.model}: healthy"), str(report)
    assert all(row["round_trip_error"] < 1e-3 for row in report.layers)


@pytest.mark.slow
@pytest.mark.parametrize("kind", HEALTHY)
def test_a_trained_flow_has_no_findings(kind):
    model, *given = HEALTHY[kind]()
    if kind == "native":
        model = models.FlowModel(model)
    else:
        model.adapt(*given)
        report = evaluation.doctor(model, *given)
        assert report.healthy, str(report)  # as it starts
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(*given, epochs=30, verbose=0)
    report = evaluation.doctor(model, *given)
    assert report.healthy, str(report)


def test_derivatives_of_networks():
    """A stopped gradient leaves log-dets right; TensorFlow has second derivatives of layer normalization wrong."""
    held = Held()
    held.build((None, 1))
    assert evaluation.doctor(flow(coupling(held)), DATA).names == ["wrong gradient"]
    drawn = [keras.initializers.RandomNormal(stddev=deviation, seed=seed) for seed, deviation in enumerate((0.5, 1.0))]
    dense = [
        keras.layers.Dense(4, "tanh", bias_initializer="ones", kernel_initializer=drawn[1]),
        keras.layers.Dense(2, kernel_initializer=drawn[0]),
    ]
    normal = keras.Sequential([dense[0], keras.layers.LayerNormalization(), dense[1]])
    normal.build((None, 1))
    with pytest.warns(UserWarning, match="Second derivatives"):
        report = evaluation.doctor(flow(coupling(normal)), DATA)
    (found,) = report.findings
    assert (found.name, found.severity, found.layer) == ("wrong second derivative", "warning", "coupling")


def test_native_parts_that_are_wrong_are_named():
    base = tfd.Sample(tfd.Normal(0.0, 1.0), [2])
    report = evaluation.doctor(tfd.TransformedDistribution(base, tfb.Cumsum()), np.cumsum(DATA[:, :2] - [2, -1], 1))
    assert report.names[0] == "wrong native part" and report.findings[0].layer == "Cumsum 'cumsum'"
    singular = tfb.ScaleMatvecTriL([[1.0, 0.0], [1.0, 1e-8]])
    assert "singular kernel" in evaluation.doctor(tfd.TransformedDistribution(base, singular), DATA).names


def test_what_cannot_go_on_ends_the_walk():
    model = flow(coupling(), Stretch((2,)), coupling(name="last"))
    model.bijector.bijectors[2].log_scale.assign([np.nan, 0.0])
    report = evaluation.doctor(model, DATA)
    assert [(each.name, each.layer) for each in report.findings] == [("not finite", "stretch")]
    assert "what comes after stretch" in str(report) and not report.latents
    assert json.loads(report.to_json())["layers"][-1]["layer"] == "stretch"


def test_scales_at_their_bound_and_a_density_that_is_no_sum():
    model = models.RealNVP((2,), **SMALL)
    model.adapt(DATA)
    model.bijector.bijectors[1].conditioner.dense[-1].bias.assign([0.0, 20.0])
    report = evaluation.doctor(model, DATA)
    assert ("saturated scale", "coupling_0") in [(each.name, each.layer) for each in report.findings]

    class Twice(tfd.TransformedDistribution):
        def _log_prob(self, value, **kwargs):
            return 2.0 * super()._log_prob(value, **kwargs)

    base = tfd.Sample(tfd.Normal(0.0, 1.0), [2])
    links = tfb.Chain([tfb.Shift([2.0, -1.0]), tfb.Scale([1.0, 3.0])])
    assert evaluation.doctor(Twice(base, links), DATA).names == ["wrong density"]


def test_latents_of_other_data_are_unlike_the_base():
    model = flow(coupling())
    report = evaluation.doctor(model, DATA + [5.0, 0.0])
    assert report.names == ["latents unlike the base"] and report.latents["worst_dimension"] == [0]
    assert abs(report.latents["worst_mean"] - 5.0) < 0.7  # of a deviation of 1
    base, z = tfd.Sample(tfd.Normal(0.0, 1.0), [3]), np.random.default_rng(3).normal(size=(1000, 3))
    found = latents.measure(z * [1, 1, 2], base)
    assert found["worst_dimension"] == [2] and abs(found["worst_deviation"] - 2) < 0.2
    # The largest distance of N(0, 1) and N(0, 4) is at sqrt(8 log(2) / 3).
    at = np.sqrt(8 * np.log(2) / 3)
    apart = float(tfd.Normal(0.0, 1.0).cdf(at) - tfd.Normal(0.0, 2.0).cdf(at))
    assert abs(found["worst_distance"] - apart) < 0.06
    assert not latents.measure(z[:20], base)


def test_log_dets_of_large_events_are_estimated():
    """Quadrature against the determinant of a matrix, and through the doctor, of 128 entries."""
    rng = np.random.default_rng(0)
    matrix = np.eye(100) + 0.5 * rng.normal(size=(100, 100)) / 10
    scales = np.exp(0.5 * rng.normal(size=100))
    function = lambda y: tf.linalg.matvec(tf.constant(matrix * scales), tf.sinh(y))  # noqa: E731
    y = tf.constant(rng.normal(size=(1, 100)))
    exact = np.linalg.slogdet(jacobian.exact(function, y)[0])[1]
    estimate, error = jacobian.log_det_by_quadrature(function, y, num_probes=16, num_steps=40)
    assert abs(exact - np.linalg.slogdet(matrix * scales)[1] - np.log(np.cosh(y.numpy())).sum()) < 1e-8
    assert abs(estimate - exact) < 4 * error < 0.3 * abs(exact) + 8
    estimate, error = jacobian.log_det_by_quadrature(lambda y: 3.0 * y, y)  # all at once an invariant space
    assert abs(estimate - 100 * np.log(3)) < 1e-9 and error < 1e-9
    shape = (8, 8, 2)
    x = rng.normal(size=(60, *shape)).astype("float32")
    report = evaluation.doctor(flow(Stretch(shape), data=x), x)
    assert report.healthy and not report.unexamined
    assert evaluation.doctor(flow(Stretch(shape, sign=-1.0), data=x), x).names == ["wrong log-det sign"]


def test_a_posterior_is_examined_at_its_draws():
    features = np.random.default_rng(0).normal(size=(60, 3)).astype("float32")
    posterior = layers.CouplingPosterior(2, num_flows=2, hidden_units=(4,), seed=0)
    report = evaluation.doctor(posterior, features)
    assert report.healthy and len(report.layers) >= 2 and not report.latents
    with pytest.raises(ValueError, match="with bijectors is needed. Received: GaussianPosterior"):
        evaluation.doctor(layers.GaussianPosterior(2, seed=0), features)


def test_repeated_steps_are_those_of_the_loop():
    step = bijectors.Chain([bijectors.ActNorm([2]), coupling(networks.MLP(2, hidden_units=(4,), zero_init=False))])
    repeated = bijectors.Repeated(step, 3, seed=4)
    repeated.adapt(tf.constant(DATA))
    x = tf.constant(DATA)
    for direction in ("forward", "inverse"):
        for one, other in zip(
            *(getattr(each, f"{direction}_and_log_det")(x) for each in (repeated, bijectors.Chain(repeated.unrolled())))
        ):
            np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize(
    ("of", "kind", "match"),
    [
        (lambda: evaluation.doctor(tfd.Normal(0.0, 1.0), DATA), TypeError, "TransformedDistribution. Received: Normal"),
        (lambda: evaluation.doctor(distribution(), DATA[:0]), ValueError, r"one example.*Received: shapes \[\(0, 2\)"),
        (lambda: evaluation.doctor(distribution(), DATA, LABELS[:3]), ValueError, r"a context for each.*\(3,\)"),
        (lambda: evaluation.doctor(distribution(), DATA[:, :1]), ValueError, r"events of shape \(2,\). Received"),
        (lambda: evaluation.doctor(distribution(), np.where(DATA > 4, np.nan, DATA)), ValueError, "finite. Received: "),
        (lambda: evaluation.doctor(distribution(), DATA, num_examples=0), ValueError, "`num_examples` must be"),
        (lambda: evaluation.doctor(HEALTHY["real_nvp_of_labels"]()[0], DATA), ValueError, "`context` must hold labels"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(of, kind, match):
    with pytest.raises(kind, match=match):
        of()


def test_a_semi_supervised_flow_is_seen_through():
    """Without labels, with some, and with a dead coupling inside of what hides its context."""
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 2
    x = (rng.normal(size=(90, 2)) + 4 * labels[:, None]).astype("float32")
    dead, *_ = FAULTS["dead coupling"]()
    for inner, names in ((models.RealNVP((2,), **SMALL), []), (dead, ["dead coupling"])):
        semi = models.SemiSupervisedFlow(inner, num_classes=2)
        semi.adapt(x, labels)
        for context in (None, np.where(labels == 1, 1, -1)):
            report = evaluation.doctor(semi, x, context)
            assert [each.name for each in report.findings if each.severity == "error"] == names, str(report)


def test_a_context_that_a_posterior_does_not_take():
    posterior = layers.PlanarPosterior(2, num_flows=1)
    posterior(np.zeros([3, 4], "float32"))
    with pytest.raises(ValueError, match="has features, and no context"):
        evaluation.doctor(posterior, np.zeros([3, 4], "float32"), np.zeros([3, 1]))


class Stopped(bijectors.Permutation):
    """Its inverse is the identity, whose Jacobian automatic differentiation sees as singular."""

    def inverse_and_log_det(self, y, context=None):
        x, log_det = super().inverse_and_log_det(y, context)
        return tf.stop_gradient(x), log_det


def test_a_singular_jacobian_is_no_log_det():
    names = evaluation.doctor(flow(Stopped([1, 0], name="stopped")), DATA).names
    assert names[0] == "wrong log-det"
