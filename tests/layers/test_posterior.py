"""Posterior layers: densities against TFP, divergences against closed forms, and life inside Keras models."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.bijectors import AffineCoupling, Permutation
from tfflows.layers import GaussianPosterior, Posterior
from tfflows.models import FlowModel, RealNVP
from tfflows.networks import MLP

tfd = tfp.distributions


@keras.saving.register_keras_serializable("tests")
class TwoCouplings(Posterior):
    """Couplings whose conditioners see the features: every part of the base class is used."""

    least_latent_size = 2

    def make_bijectors(self, context_size):
        size, links = self.latent_size, []
        for i in range(2):
            mask = np.arange(size) < size // 2
            net = MLP(
                2 * int((~mask).sum()),
                hidden_units=(16,),
                context_size=context_size,
                zero_init=False,
                seed=i,
                dtype=self.dtype_policy,
            )
            links += [AffineCoupling(mask, net), Permutation(np.arange(size)[::-1])]
        return links


KINDS = {"gaussian": GaussianPosterior, "couplings": TwoCouplings}
every_kind = pytest.mark.parametrize("kind", KINDS)


def features(count=6, size=5, dtype="float32"):
    return np.random.default_rng(0).normal(size=(count, size)).astype(dtype)


def base_of(layer, h):
    """The diagonal Gaussian by the layer's weights."""
    mean, raw = np.split(h @ layer.heads.kernel.numpy() + layer.heads.bias.numpy(), 2, axis=-1)
    return tfd.MultivariateNormalDiag(mean, tf.exp(10 * np.tanh(raw / 10)))


@every_kind
@pytest.mark.parametrize("num_samples", [None, 7])
def test_log_q_against_the_inverse(kind, num_samples):
    layer, h = KINDS[kind](3, return_log_q=True, seed=0, dtype="float64"), features(dtype="float64")
    z, log_q = layer(h, num_samples=num_samples, seed=1)
    batch = (6,) if num_samples is None else (7, 6)
    assert z.shape == (*batch, 3) and log_q.shape == batch and not layer.losses
    z_0, log_det = z, 0.0
    if layer.flow is not None:
        z_0, log_det = layer.flow.inverse_and_log_det(tf.identity(z), context=h)
    np.testing.assert_allclose(log_q, base_of(layer, h).log_prob(z_0) + log_det, rtol=1e-9, atol=1e-9)


def test_gaussian_draws_have_the_moments():
    layer, h = GaussianPosterior(2, return_log_q=True, seed=0), features()
    z, _ = layer(h, num_samples=40_000, seed=1)
    base = base_of(layer, h)
    np.testing.assert_allclose(z.numpy().mean(axis=0), base.mean(), atol=6 * float(tf.reduce_max(base.stddev())) / 200)
    np.testing.assert_allclose(z.numpy().std(axis=0) / base.stddev(), 1, atol=0.03)


def test_closed_form_of_the_divergence():
    layer, h = GaussianPosterior(3, seed=0), features()
    layer(h)
    standard = tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    expected = base_of(layer, h).kl_divergence(standard)
    np.testing.assert_allclose(layer.losses[0], np.mean(expected), rtol=1e-5)
    _, divergence = layer.draw_with_divergence(h)
    assert divergence.shape == (6, 3)
    np.testing.assert_allclose(tf.reduce_sum(divergence, axis=-1), expected, rtol=1e-5)
    # and by draws, as a prior that is given is treated
    _, drawn = layer.draw_with_divergence(h, prior=standard, num_samples=20_000, seed=0)
    assert drawn.shape == (20_000, 6, 1)
    error = drawn.numpy().std(axis=0)[:, 0] / np.sqrt(20_000)
    assert (np.abs(drawn.numpy().mean(axis=0)[:, 0] - expected) < 5 * error).all()


def test_divergence_of_a_flow_is_that_of_its_draws():
    layer, h = TwoCouplings(4, seed=0), features()
    z, divergence = layer.draw_with_divergence(h, seed=2)
    same, log_q = layer.draw(h, seed=2)
    np.testing.assert_allclose(z, same, rtol=1e-6, atol=1e-6)
    expected = log_q - tfd.MultivariateNormalDiag(tf.zeros(4), tf.ones(4)).log_prob(z)
    np.testing.assert_allclose(divergence[:, 0], expected, rtol=1e-4, atol=1e-5)
    layer(h, seed=2)
    np.testing.assert_allclose(layer.losses[0], np.mean(expected), rtol=1e-4)


@pytest.mark.parametrize("make", [lambda: flow_prior(), lambda: RealNVP(event_shape=(3,), num_layers=2)])
def test_other_priors_are_used_trained_and_saved(make, tmp_path):
    prior = make()
    layer, h = TwoCouplings(3, prior=prior, seed=0), features()
    z, divergence = layer.draw_with_divergence(h, seed=0)
    np.testing.assert_allclose(divergence[:, 0], layer.draw(h, seed=0)[1] - prior.log_prob(z), rtol=1e-4, atol=1e-4)
    held = {id(v if isinstance(v, tf.Variable) else v.value) for v in prior.trainable_variables}
    assert held and held <= {id(v.value) for v in layer.trainable_variables}
    model = keras.Sequential([keras.layers.Input((5,)), layer])
    model.compile(keras.optimizers.Adam(1e-2), run_eagerly=True)
    before = [v.numpy().copy() for v in layer.trainable_variables]
    model.fit(h, epochs=2, verbose=0)
    assert all((a != b.numpy()).any() for a, b in zip(before, layer.trainable_variables))
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").layers[-1]
    for mine, theirs in zip(layer.draw_with_divergence(h, seed=5), again.draw_with_divergence(h, seed=5)):
        np.testing.assert_array_equal(mine, theirs)


def flow_prior():
    base = tfd.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    return tfd.TransformedDistribution(base, tfp.bijectors.Shift(tf.Variable([0.1, 0.2, 0.3])))


def test_free_bits_cost_nothing_by_group():
    h = features()
    kl = tf.constant([[0.1, 2.0], [0.3, 1.0]])
    assert float(GaussianPosterior(2).penalty(kl)) == pytest.approx(0.2 + 1.5)
    assert float(GaussianPosterior(2, free_bits=0.5).penalty(kl)) == pytest.approx(0.5 + 1.5)
    assert float(GaussianPosterior(2, free_bits=0.5, beta=0.1).penalty(kl)) == pytest.approx(0.2)
    # one group where there is one number: 4 dimensions at 0.5 nats
    layer = TwoCouplings(4, free_bits=0.5)
    assert float(layer.penalty(tf.constant([[1.0], [0.5]]))) == pytest.approx(2.0)
    assert float(layer.penalty(tf.constant([[3.0], [2.0]]))) == pytest.approx(2.5)
    gaussian = GaussianPosterior(3, free_bits=100.0)
    with tf.GradientTape() as tape:
        gaussian(h)
        loss = gaussian.losses[0]
    assert float(loss) == pytest.approx(300)
    assert all(g is None or not np.any(g) for g in tape.gradient(loss, gaussian.trainable_variables))


def autoencoder(layer):
    return keras.Sequential([keras.layers.Dense(8, activation="relu"), layer, keras.layers.Dense(5)])


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, posterior, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.posterior = keras.layers.Dense(8, activation="relu"), posterior
        self.out = keras.layers.Dense(5)

    def call(self, x):
        return self.out(self.posterior(self.hidden(x)))

    def get_config(self):
        return {"posterior": keras.saving.serialize_keras_object(self.posterior)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["posterior"]))


def posterior_of(model):
    return next(each for each in model._flatten_layers() if isinstance(each, Posterior))


EITHER = [(autoencoder, "float32"), (Subclassed, "mixed_float16")]
CROSSED = [
    pytest.param(Subclassed, "float32", marks=pytest.mark.slow),
    pytest.param(autoencoder, "mixed_float16", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("make", "policy"), EITHER + CROSSED)
def test_trains_in_a_model_that_was_never_called_and_is_saved(make, policy, tmp_path):
    keras.utils.set_random_seed(0)
    keras.config.set_dtype_policy(policy)
    model = make(TwoCouplings(2, seed=3))
    model.compile(keras.optimizers.Adam(1e-2), loss="mse")
    x = features(256)
    losses = model.fit(x, x, epochs=6, verbose=0).history["loss"]  # Keras builds it in a scratch graph, on the way
    assert losses[-1] < losses[0]
    layer = posterior_of(model)
    assert {id(v) for v in layer.trainable_variables} <= {id(v) for v in model.trainable_variables}
    assert {id(v) for v in layer.flow.trainable_variables} <= {id(v.value) for v in model.trainable_variables}
    assert all(isinstance(v, tf.Variable) for v in layer.flow.trainable_variables)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    h = features(4, 8)
    for mine, theirs in zip(layer.draw(h, seed=1), posterior_of(again).draw(h, seed=1)):
        assert mine.dtype == "float32"
        np.testing.assert_array_equal(mine, theirs)
    again.fit(x, x, verbose=0)
    model.export(tmp_path / "saved", verbose=False)
    saved = tf.saved_model.load(str(tmp_path / "saved"))
    served = saved.serve(x)
    assert served.shape == (256, 5) and np.isfinite(served).all()


@pytest.mark.parametrize("jit_compile", [False, True])
def test_beta_is_a_variable_of_the_compiled_step(jit_compile):
    layer, h = GaussianPosterior(2, seed=0), features(32)
    model = keras.Sequential([layer])
    model.compile(keras.optimizers.SGD(0.0), jit_compile=jit_compile)
    traces = []
    penalty = layer.penalty
    layer.penalty = lambda *args: traces.append(1) or penalty(*args)
    first = model.fit(h, verbose=0).history["loss"][0]
    count = len(traces)
    layer.beta.assign(0.25)
    assert model.fit(h, verbose=0).history["loss"][0] == pytest.approx(first / 4, rel=1e-5)
    assert len(traces) == count


@every_kind
def test_shapes_and_dtypes(kind):
    layer = KINDS[kind](2, dtype="mixed_bfloat16")
    assert layer(keras.Input((3, 5))).shape == (None, 3, 2)
    assert layer(keras.Input((3, 5)), num_samples=4).shape == (4, None, 3, 2)
    z = layer(tf.ones([7, 3, 5], tf.bfloat16))
    assert z.shape == (7, 3, 2) and z.dtype == "float32" and layer.losses[0].dtype == "float32"
    both = KINDS[kind](2, return_log_q=True)(keras.Input((5,)))
    assert [each.shape for each in both] == [(None, 2), (None,)]
    assert layer.compute_output_shape((7, 3, 5)) == (7, 3, 2)
    assert layer(tf.zeros([0, 5])).shape == (0, 2)


@every_kind
def test_seeds(kind):
    h = features()
    first, second = KINDS[kind](2, seed=1), KINDS[kind](2, seed=1)
    np.testing.assert_array_equal(first(h), second(h))
    assert not np.isclose(first(h), first(h)).all(axis=1).any()
    np.testing.assert_array_equal(first(h, seed=3), first(h, seed=3))
    assert not np.isclose(*first(np.ones([2, 5], "float32"))).any()  # examples do not share their noise


@every_kind
def test_finite_at_extreme_features(kind):
    layer = KINDS[kind](2, seed=0)
    h = tf.constant([-1e4, 1e4, 0.0])[:, None] * tf.ones([3, 5])
    with tf.GradientTape() as tape:
        tape.watch(h)
        z, divergence = layer.draw_with_divergence(h, seed=0)
        loss = layer.penalty(divergence)
    assert np.isfinite(z).all() and np.isfinite(divergence).all()
    assert np.isfinite(tape.gradient(loss, h)).all()


def test_bad_input():
    for size in (0, 1.5, None):
        with pytest.raises(ValueError, match=f"`latent_size` must be an integer of at least 1. Received: {size}"):
            GaussianPosterior(size)
    with pytest.raises(ValueError, match="`latent_size` must be an integer of at least 2. Received: 1"):
        TwoCouplings(1)
    for name, value in (("beta", -1.0), ("beta", np.nan), ("free_bits", -0.1), ("free_bits", "a")):
        with pytest.raises(ValueError, match=f"`{name}` must be a number of at least 0. Received"):
            GaussianPosterior(2, **{name: value})
    with pytest.raises(ValueError, match="features of a known size. Received"):
        GaussianPosterior(2)(keras.Input((None,)))
    layer = GaussianPosterior(2)
    layer(features())
    with pytest.raises(ValueError, match=r"built for features of size 5. Received: shape \(3, 4\)"):
        layer(tf.ones([3, 4]))
    with pytest.raises(TypeError, match="`prior` must be.*Received: int"):
        GaussianPosterior(2, prior=3)
    with pytest.raises(ValueError, match=r"events of shape \(2,\).*Received: event shape \(3,\)"):
        GaussianPosterior(2, prior=flow_prior())
    with pytest.raises(ValueError, match=r"with batch shape \[\].*Received: event shape \(\), batch shape \(2,\)"):
        GaussianPosterior(2, prior=tfd.Normal([0.0, 0.0], 1.0))
    assert isinstance(GaussianPosterior(3, prior=FlowModel(flow_prior())).prior, FlowModel)
