"""The columns of the conformance table of models: every public model and posterior layer, one line a case.

A new model, or a new posterior layer, gets one line in `CASES`; every row of the table then asks it.
"""

import keras
import tensorflow as tf
import tensorflow_probability as tfp
from case_of_model import CLASSES, CONTEXT_SIZE, LEVELS, Case

from tfflows import bijectors, layers, models, networks
from tfflows.ops import masks

tfb, tfd = tfp.bijectors, tfp.distributions

VECTORS = {"num_layers": 2, "hidden_units": (4,), "activation": "tanh", "seed": 1}
IMAGES = {"discrete_levels": LEVELS, "seed": 1}
IMAGE = (4, 4, 1)


def vectors(name, of, context="class", **options):
    sizes = {"num_classes": CLASSES} if context == "class" else {"context_size": CONTEXT_SIZE}
    return Case(name, of, lambda p: of((3,), dtype=p, **VECTORS, **sizes, **options), context=context, options=options)


def images(name, of, **options):
    make = lambda p: of(image_shape=IMAGE, dtype=p, num_classes=CLASSES, **IMAGES, **options)  # noqa: E731
    return Case(name, of, make, "levels", event_shape=IMAGE, options=options)


def _coupling(policy, **sizes):
    mask = masks.half(3)
    net = networks.MLP(
        2 * int((~mask).sum()), hidden_units=(4,), activation="tanh", zero_init=False, seed=1, dtype=policy, **sizes
    )
    return bijectors.AffineCoupling(mask, net)


def _mixed(policy):
    """Parts of TFP and of this package, weights of both in the bijector and in the base."""
    dtype = "float64" if policy == "float64" else "float32"
    scale = tfp.util.TransformedVariable(tf.constant(2.0, dtype), tfb.Exp(), dtype=dtype)
    links = [tfb.Shift(tf.Variable(tf.ones(3, dtype))), _coupling(policy, num_classes=CLASSES), tfb.Scale(scale)]
    base = tfd.MultivariateNormalDiag(tf.Variable(tf.zeros(3, dtype)), tf.ones(3, dtype))
    flow = tfd.TransformedDistribution(base, tfb.Chain(links))
    return models.FlowModel(flow, num_classes=CLASSES, dtype=policy, name="mixed")


def posterior(name, of, **options):
    """A tiny autoencoder around a posterior layer."""

    def make(policy):
        start = [keras.initializers.GlorotUniform(seed=seed) for seed in (2, 3)]
        encoder = keras.layers.Dense(5, activation="tanh", kernel_initializer=start[0], dtype=policy)
        decoder = keras.layers.Dense(6, kernel_initializer=start[1], dtype=policy)
        vae = models.VariationalAutoencoder(encoder, decoder, of(3, seed=1, dtype=policy, **options), dtype=policy)
        vae.build((None, 6))
        return vae

    return Case(name, of, make, "autoencoder", None, (6,), options)


def _target(x):
    return -0.5 * tf.reduce_sum((x - 1.0) ** 2, axis=-1) - 0.3 * x[:, 0] * x[:, 1]


def _few_labels(policy):
    return models.SemiSupervisedFlow(models.RealNVP((3,), dtype=policy, **VECTORS), num_classes=CLASSES)


def _few_labels_of_images(policy):
    glow = models.Glow(IMAGE, num_levels=1, steps_per_level=2, hidden_filters=4, dtype=policy, **IMAGES)
    return models.SemiSupervisedFlow(glow, num_classes=CLASSES)


def _fitted_to_target(policy):
    dtype = "float64" if policy == "float64" else "float32"
    chain = bijectors.Chain([bijectors.DiagonalAffine([3], dtype=dtype), _coupling(policy)])
    return models.VariationalFlow(_target, chain, event_shape=(3,), seed=1, dtype=policy)


CASES = [
    Case("flow_model", models.FlowModel, _mixed),
    vectors("real_nvp", models.RealNVP),
    vectors("real_nvp_context", models.RealNVP, context="vector"),
    images("real_nvp_images", models.RealNVP, num_levels=1, hidden_filters=2, num_blocks=1),
    vectors("spline_coupling", models.NeuralSplineFlow, kind="coupling", bins=4),
    vectors("spline_autoregressive", models.NeuralSplineFlow, kind="autoregressive", bins=4),
    vectors("maf", models.AutoregressiveFlow, parallel="inverse"),
    vectors("iaf", models.AutoregressiveFlow, parallel="forward"),
    images("glow", models.Glow, num_levels=1, steps_per_level=2, hidden_filters=4),
    images("glow_reversible", models.Glow, num_levels=1, steps_per_level=2, hidden_filters=4, reversible=True),
    images("transformer", models.TransformerFlow, patch_size=2, num_flows=2, num_blocks=1, units=8, num_heads=2),
    images(
        "transformer_dropout", models.TransformerFlow, patch_size=2, num_flows=1, num_blocks=1, units=8, num_heads=2,
        noise=0.05, label_dropout=0.4,
    ),
    Case("few_labels", models.SemiSupervisedFlow, _few_labels),
    Case("few_labels_of_images", models.SemiSupervisedFlow, _few_labels_of_images, "levels", event_shape=IMAGE),
    Case("variational_flow", models.VariationalFlow, _fitted_to_target, "target", None),
    posterior("gaussian_vae", layers.GaussianPosterior),
    posterior("planar_vae", layers.PlanarPosterior, num_flows=2),
    posterior("radial_vae", layers.RadialPosterior, num_flows=2),
    posterior("sylvester_orthogonal_vae", layers.SylvesterPosterior, num_flows=2, num_vectors=2, kind="orthogonal"),
    posterior("sylvester_householder_vae", layers.SylvesterPosterior, num_flows=2, num_vectors=2, kind="householder"),
    posterior("sylvester_triangular_vae", layers.SylvesterPosterior, num_flows=2, kind="triangular"),
    posterior("iaf_vae", layers.IAFPosterior, num_flows=2, hidden_units=(4,)),
    posterior("coupling_vae", layers.CouplingPosterior, num_flows=2, hidden_units=(4,)),
]  # fmt: skip
