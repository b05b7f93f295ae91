"""Writes the archives beside it: every model and posterior layer, trained for a few steps, as a .keras file and as a
SavedModel, with the data. Those here were written by commit b10ef99, before the package was rearranged, but
`semi_supervised_flow`, which is newer.

python tests/models/written_before/make.py FOLDER [NAME ...]
"""

import pathlib
import sys
import tempfile
import zipfile

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows import bijectors, layers, models, networks

rng = np.random.default_rng(0)
VECTORS = rng.normal(size=(64, 3)).astype("float32") * 2 + 1
LABELS = rng.integers(0, 3, 64).astype("int32")
CONTEXT = rng.normal(size=(64, 2)).astype("float32")
IMAGES = rng.integers(0, 17, size=(16, 4, 4, 1)).astype("uint8")
IMAGE_LABELS = (np.arange(16) % 3).astype("int32")
SMALL = {"hidden_units": (6,), "seed": 0}
PIXELS = {"discrete_levels": 17, "seed": 0}
POSTERIORS = {
    "planar": lambda: layers.PlanarPosterior(2, num_flows=2, seed=0),
    "radial": lambda: layers.RadialPosterior(2, num_flows=2, seed=0),
    "sylvester": lambda: layers.SylvesterPosterior(2, num_flows=2, seed=0),
    "iaf": lambda: layers.IAFPosterior(2, num_flows=2, hidden_units=(4,), seed=0),
    "coupling": lambda: layers.CouplingPosterior(2, num_flows=2, hidden_units=(4,), seed=0),
    "gaussian": lambda: layers.GaussianPosterior(2, seed=0),
}


def native():
    base = tfp.distributions.MultivariateNormalDiag(tf.zeros(3), tf.ones(3))
    coupling = bijectors.AffineCoupling([1, 1, 0], networks.MLP(2, hidden_units=(4,), seed=0))
    chain = tfp.bijectors.Chain([tfp.bijectors.Shift(tf.Variable([0.1, 0.2, 0.3])), coupling])
    return models.FlowModel(tfp.distributions.TransformedDistribution(base, chain))


def noise():
    return layers.VariationalDequantization(
        (4, 4, 1), 17, num_couplings=2, hidden_filters=(2,), feature_filters=2, seed=0
    )


def autoencoder(posterior):
    return models.VariationalAutoencoder(keras.layers.Dense(4, activation="relu"), keras.layers.Dense(3), posterior)


CASES = {
    "flow_model": (native, (VECTORS,)),
    "real_nvp": (
        lambda: models.RealNVP((3,), num_layers=3, residual=True, num_classes=3, **SMALL),
        (VECTORS, LABELS),
    ),
    "real_nvp_images": (
        lambda: models.RealNVP(image_shape=(4, 4, 1), num_levels=2, hidden_filters=2, num_blocks=1, **PIXELS),
        (IMAGES,),
    ),
    "glow": (
        lambda: models.Glow((4, 4, 1), num_levels=2, steps_per_level=2, hidden_filters=4, num_classes=3, **PIXELS),
        (IMAGES, IMAGE_LABELS),
    ),
    "glow_variational": (
        lambda: models.Glow(
            (4, 4, 1),
            num_levels=1,
            steps_per_level=1,
            hidden_filters=4,
            coupling="additive",
            mixing="shuffle",
            dequantization=noise(),
            **PIXELS,
        ),
        (IMAGES,),
    ),
    "autoregressive_flow": (
        lambda: models.AutoregressiveFlow(
            (3,), num_layers=2, context_size=2, mixing="lu", tails=True, order="random", **SMALL
        ),
        (VECTORS, CONTEXT),
    ),
    "inverse_autoregressive_flow": (
        lambda: models.AutoregressiveFlow((3,), num_layers=2, parallel="forward", **SMALL),
        (VECTORS,),
    ),
    "neural_spline_flow": (
        lambda: models.NeuralSplineFlow((3,), num_layers=2, bins=4, num_classes=3, **SMALL),
        (VECTORS, LABELS),
    ),
    "neural_spline_flow_autoregressive": (
        lambda: models.NeuralSplineFlow(
            (3,), kind="autoregressive", num_layers=2, bins=4, mixing="householder", **SMALL
        ),
        (VECTORS,),
    ),
    "transformer_flow": (
        lambda: models.TransformerFlow(
            (4, 4, 1),
            patch_size=2,
            num_flows=2,
            num_blocks=1,
            units=4,
            num_heads=2,
            patch_couplings=1,
            num_classes=3,
            label_dropout=0.1,
            **PIXELS,
        ),
        (IMAGES, IMAGE_LABELS),
    ),
    "semi_supervised_flow": (
        lambda: models.SemiSupervisedFlow(models.RealNVP((3,), num_layers=2, **SMALL), num_classes=3),
        (VECTORS, np.where(np.arange(64) % 2 == 0, LABELS, -1).astype("int32")),
    ),
    **{
        f"autoencoder_{name}": (lambda make=make: autoencoder(make()), ((VECTORS > 1).astype("float32"),))
        for name, make in POSTERIORS.items()
    },
}


def main(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names or CASES:
        make, data = CASES[name]
        keras.utils.set_random_seed(0)
        model = make()
        model.compile(keras.optimizers.Adam(1e-2))
        model.fit(*data, batch_size=16, epochs=2, verbose=0)
        with tempfile.TemporaryDirectory() as place:
            place = pathlib.Path(place)
            model.save(place / "model.keras")
            model.export(str(place / "saved_model"))
            np.savez(place / "data.npz", **dict(zip(("x", "context"), data)))
            with zipfile.ZipFile(folder / f"{name}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                for path in sorted(place.rglob("*")):
                    archive.write(path, path.relative_to(place))


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), *sys.argv[2:])
