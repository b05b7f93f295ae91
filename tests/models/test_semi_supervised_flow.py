"""A flow over a Gaussian for each class: its densities are a mixture's, and rows without a label teach it."""

import keras
import numpy as np
import pytest
import scipy.stats
import sklearn.mixture
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, models
from tfflows.evaluation import BayesClassifier
from tfflows.joint import composition

tfb, tfd = tfp.bijectors, tfp.distributions

PRIOR = (0.2, 0.5, 0.3)


def native(dtype="float64", scale=2.0):
    base = tfd.MultivariateNormalDiag(tf.zeros(2, dtype), tf.ones(2, dtype))
    return models.FlowModel(tfd.TransformedDistribution(base, tfb.Scale(tf.constant(scale, dtype))), dtype=dtype)


def moved(flow, seed=0):
    """With other means and scales than at the start."""
    kernel = flow.classes.conditioner.kernel
    kernel.assign(np.random.default_rng(seed).normal(size=kernel.shape))
    return flow


def means_and_deviations(flow):
    """Of the latents of each class, by what the classes' bijector makes of 0 and of 1."""
    size = flow.distribution.distribution.event_shape[0]
    at = [tf.fill([flow.num_classes, size], tf.cast(value, flow.distribution.dtype)) for value in (0, 1)]
    mean, above = (flow.classes.forward(e, context=tf.range(flow.num_classes)).numpy() for e in at)
    return mean, above - mean


@pytest.fixture(scope="module")
def flow():
    """Of three classes in the plane, nonlinear."""
    nvp = models.RealNVP((2,), num_layers=2, hidden_units=(4,), activation="tanh", seed=1, dtype="float64")
    flow = models.SemiSupervisedFlow(nvp, num_classes=3, prior=PRIOR)
    x = np.random.default_rng(1).normal(size=(60, 2)) * [1.0, 2.0] + 3.0
    flow.adapt(x, np.arange(60) % 4 - 1)
    rng = np.random.default_rng(2)
    for weight in flow.trainable_variables:
        weight.assign_add(0.3 * rng.normal(size=weight.shape))
    return flow


def points(n=7, seed=3):
    return np.random.default_rng(seed).normal(size=(n, 2)) + 3.0


def test_densities_are_those_of_a_native_mixture(flow):
    mean, deviation = means_and_deviations(flow)
    components = tfd.MultivariateNormalDiag(mean, deviation)
    mixture = tfd.MixtureSameFamily(tfd.Categorical(probs=np.array(PRIOR)), components)
    shared = tfb.Chain(flow.bijector.bijectors[:-1])
    x = points()
    right = tfd.TransformedDistribution(mixture, shared).log_prob(x)
    np.testing.assert_allclose(flow.log_prob(x), right, rtol=1e-10)
    np.testing.assert_allclose(flow.log_prob(x, -1), right, rtol=1e-10)
    for k in range(3):
        right = tfd.TransformedDistribution(components[k], shared).log_prob(tf.identity(x))
        np.testing.assert_allclose(flow.log_prob(x, np.full(7, k)), right, rtol=1e-10)
    mixed = np.array([-1, 0, 2, 1, -1, 2, 0])
    one_by_one = [float(flow.log_prob(x[i], mixed[i])) for i in range(7)]
    np.testing.assert_allclose(flow.log_prob(x, mixed), one_by_one, rtol=1e-12)
    np.testing.assert_allclose(flow.log_prob(x[:, None], np.arange(3)[None]), flow.log_prob_by_class(x), rtol=1e-12)


def test_density_without_labels_integrates_to_one(flow):
    axes = [np.linspace(low, high, 321) for low, high in ((-12, 18), (-22, 28))]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    cell = np.prod([axis[1] - axis[0] for axis in axes])
    assert np.exp(flow.log_prob(grid)).sum() * cell == pytest.approx(1.0, abs=2e-3)


def test_of_a_linear_flow_it_is_scikit_learn_s_mixture():
    flow = moved(models.SemiSupervisedFlow(native(), num_classes=3, prior=PRIOR))
    mean, deviation = means_and_deviations(flow)
    mixture = sklearn.mixture.GaussianMixture(3, covariance_type="diag")
    mixture.weights_, mixture.means_ = np.array(PRIOR), 2 * mean
    mixture.covariances_, mixture.precisions_cholesky_ = (2 * deviation) ** 2, 1 / (2 * deviation)
    x = points(50)
    np.testing.assert_allclose(flow.log_prob(x), mixture.score_samples(x), rtol=1e-6)
    classifier = BayesClassifier(flow)  # with the prior of the flow
    np.testing.assert_allclose(classifier.log_density(x), flow.log_prob(x), rtol=1e-6)
    np.testing.assert_allclose(classifier.predict_proba(x), mixture.predict_proba(x), atol=1e-6)


def test_the_loss_is_that_of_rows_with_and_without_a_label(flow):
    x, labels = points(12), np.arange(12) % 4 - 1
    twin = flow.with_precision("float64")
    twin.compile(keras.optimizers.SGD(0.0))
    right = -np.mean([float(flow.log_prob(a, b)) for a, b in zip(x, labels)])
    assert twin.fit(x, labels, batch_size=12, verbose=0).history["loss"] == [pytest.approx(right, rel=1e-9)]
    assert twin.evaluate(x, labels, verbose=0) == pytest.approx(right, rel=1e-9)


def test_draws_without_a_label_are_of_the_mixture(flow):
    x = flow.sample(4000, seed=0).numpy()
    of_labels = flow.sample(4000, context=np.random.default_rng(0).choice(3, 4000, p=PRIOR), seed=1).numpy()
    for column in range(2):
        assert scipy.stats.ks_2samp(x[:, column], of_labels[:, column]).pvalue > 1e-3
    np.testing.assert_array_equal(x, flow.sample(4000, context=-1, seed=0))
    _, context = flow._latents(4000, None, 5, 1.0)
    counts = np.bincount(context, minlength=3)
    assert scipy.stats.chisquare(counts, 4000 * np.array(PRIOR)).pvalue > 1e-3
    for labels in (None, np.array([-1, 2, 0, -1])):
        y, log_prob = flow.sample_and_log_prob(4, context=labels, seed=2)
        np.testing.assert_allclose(log_prob, flow.log_prob(y, labels), rtol=1e-8)
    in_graph = tf.function(lambda: flow.sample_and_log_prob(4, context=tf.constant([-1, 2, 0, -1]), seed=2))
    np.testing.assert_allclose(in_graph()[1], log_prob, rtol=1e-8)
    assert tf.function(lambda: flow.sample(3))().shape == (3, 2)


def test_means_start_at_those_of_labelled_latents():
    nvp = models.RealNVP((2,), num_layers=2, hidden_units=(4,), seed=0)
    flow = models.SemiSupervisedFlow(nvp, num_classes=2)
    x, labels = points(40).astype("float32"), np.where(np.arange(40) < 10, np.arange(40) % 2, -1)
    assert not flow.adapted
    flow.adapt(tf.data.Dataset.from_tensor_slices((x, labels)).batch(16))
    assert flow.adapted
    z = flow.encode(x, np.full(40, -1)).numpy()
    mean, deviation = means_and_deviations(flow)
    np.testing.assert_allclose(mean, [z[labels == k].mean(axis=0) for k in range(2)], rtol=1e-5)
    np.testing.assert_allclose(deviation, 1.0, rtol=1e-6)
    e = flow.encode(x[:2], labels[:2])
    np.testing.assert_allclose(e, z[:2] - mean[labels[:2]], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(flow.decode(e, labels[:2]), x[:2], rtol=1e-4)


def test_no_more_images_run_through_the_networks_at_once_than_the_flow_says(monkeypatch):
    seen, adapt = [], composition.adapt
    monkeypatch.setattr(composition, "adapt", lambda b, y, context: seen.append(len(y)) or adapt(b, y, context))
    glow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=2, discrete_levels=17, seed=0)
    flow = models.SemiSupervisedFlow(glow, num_classes=2)
    x, labels = np.random.default_rng(0).integers(17, size=(600, 4, 4, 1)).astype("uint8"), np.arange(600) % 2
    flow.adapt(x, np.where(np.arange(600) < 590, -1, labels))  # the labels are among the last rows
    assert seen[0] == 200 <= glow.adapt_examples and flow.adapted


def test_rows_without_a_label_teach_it():
    """The one label of each class is at the rim of its cluster, where the middle between both is inside the other."""
    rng, truth = np.random.default_rng(0), np.arange(400) % 2
    x = (rng.normal(size=(400, 2)) + 6.0 * truth[:, None] * [1, 0]).astype("float32")
    x[:2] = [[-2.5, 0.0], [3.6, 0.0]]
    labels = np.where(np.arange(400) < 2, truth, -1)
    nvp = models.RealNVP((2,), num_layers=2, hidden_units=(8,), seed=0)
    flow = models.SemiSupervisedFlow(nvp, num_classes=2)
    flow.adapt(x, labels)
    before = BayesClassifier(flow).score(x, truth)
    flow.compile(keras.optimizers.Adam(0.02))
    flow.fit(x, labels, epochs=15, batch_size=50, verbose=0)
    assert before < 0.9 and BayesClassifier(flow).score(x, truth) > 0.98


def test_other_flows_and_precisions():
    glow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=2, discrete_levels=17, seed=0)
    flow = models.SemiSupervisedFlow(glow, num_classes=2)
    x, labels = np.random.default_rng(0).integers(17, size=(9, 4, 4, 1)).astype("uint8"), np.arange(9) % 3 - 1
    flow.compile("adam")
    assert np.isfinite(flow.fit(x, labels, verbose=0).history["loss"]).all()
    assert flow.event_shape == (4, 4, 1) and flow.encode(x, 0, seed=0).shape == (9, 16)
    assert flow.sample(2, context=np.array([0, -1]), seed=0).dtype == tf.uint8
    double, reals = flow.with_precision("float64"), x + 0.25
    assert double.density_dtype == "float64"
    np.testing.assert_allclose(double.log_prob(reals, labels), flow.log_prob(reals.astype("f"), labels), rtol=1e-4)
    unit = models.SemiSupervisedFlow(_onto_the_unit_interval(), num_classes=2)
    assert np.isneginf(moved(unit).log_prob(np.array([[2.0]], "float32"), np.array([[0, 1, -1]]).T)).all()
    assert moved(models.SemiSupervisedFlow(native("float32"), num_classes=3)).condition(2).log_prob([0.0, 0.0]) < 0


def _onto_the_unit_interval():
    base = tfd.MultivariateNormalDiag(tf.zeros(1), tf.ones(1))
    links = bijectors.Chain([tfb.Sigmoid(), bijectors.DiagonalAffine([1])])
    return models.FlowModel(tfd.TransformedDistribution(base, links))


def test_bad_input(flow):
    make = models.SemiSupervisedFlow
    with pytest.raises(TypeError, match="`flow` must be a tfflows FlowModel. Received: int"):
        make(3, num_classes=2)
    with pytest.raises(ValueError, match="is not built"):
        make(models.RealNVP(num_layers=2), num_classes=2)
    with pytest.raises(ValueError, match="without a context, over a standard normal. Received: a flow with a context"):
        make(models.RealNVP((2,), num_layers=2, num_classes=2), num_classes=2)
    with pytest.raises(ValueError, match="Received: one over NormalAndUniform, another density"):
        make(models.NeuralSplineFlow((2,), num_layers=2, circular=(0,)), num_classes=2)
    with pytest.raises(ValueError, match="`num_classes` must be an integer of at least 2. Received: 1"):
        make(native(), num_classes=1)
    for prior in ((0.5, 0.6), (1.0, 0.0), (0.2, 0.3, 0.5)):
        with pytest.raises(ValueError, match="`prior` must hold 2 positive probabilities"):
            make(native(), num_classes=2, prior=prior)
    fresh, x = make(native("float32"), num_classes=3), points(6).astype("float32")
    fresh.compile("adam")
    with pytest.raises(ValueError, match=r"Each class needs a row.*Received: 3 labels, none of the classes \[1\]"):
        fresh.fit(x, np.array([0, -1, 2, -1, 2, -1]), verbose=0)
    with pytest.raises(ValueError, match="labels .* from -1 to 2. Received: .*values -2 to 2"):
        fresh.fit(x, np.array([0, -2, 2, -1, 2, 1]), verbose=0)
    with pytest.raises(ValueError, match="This flow is conditional"):
        fresh.fit(x, verbose=0)
    with pytest.raises(ValueError, match="labels from 0 to 2. Received: 1 others, the first -1"):
        flow.condition(np.array([0, -1]))
