"""Configs hold the arguments of the constructors, whoever's they are."""

import keras

from tfflows import layers


class Noted(layers.UniformDequantization):
    """A subclass of somebody else, with an argument that it does not keep."""

    def __init__(self, levels=256, note="", **kwargs):
        super().__init__(levels, **kwargs)


def test_every_argument_of_every_class_is_in_the_config():
    config = layers.SylvesterPosterior(3, num_flows=2, kind="householder", beta=0.5, seed=1, name="z").get_config()
    own = {"latent_size": 3, "num_flows": 2, "kind": "householder", "num_vectors": None, "seed": 1}
    own |= {"beta": 0.5, "free_bits": 0.0, "return_log_q": False, "standardize": False, "prior": None}
    keras_config = set(keras.layers.Layer().get_config())
    assert {key: value for key, value in config.items() if key not in keras_config} == own
    assert layers.IAFPosterior(2, hidden_units=(4, 4)).get_config()["hidden_units"] == [4, 4]


def test_a_class_from_elsewhere_adds_its_own():
    assert "note" not in Noted(8, "mine", seed=3).get_config()
    twin = Noted.from_config(Noted(8, kept_levels=4, seed=3).get_config())
    assert (twin.levels, twin.kept_levels, twin.seed) == (8, 4, 3)
