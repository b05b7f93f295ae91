"""What a flow is compiled with."""

import warnings

import keras
import pytest
import tensorflow_probability as tfp

from tfflows import bijectors, networks
from tfflows.models import FlowModel

tfd = tfp.distributions


def flow(*, repeated):
    step = lambda seed: bijectors.AffineCoupling([1, 0], networks.MLP(2, hidden_units=(4,), seed=seed))  # noqa: E731
    link = bijectors.Repeated(step(0), 3, seed=0, name="steps") if repeated else bijectors.Chain([step(0), step(1)])
    return FlowModel(tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), [2]), link))


def test_muon_on_stacked_weights_is_told_by_name_and_how_to_have_it():
    with pytest.warns(UserWarning, match=r"biases of 'steps' for matrices.*exclude_layers=\['steps'\]"):
        flow(repeated=True).compile(keras.optimizers.Muon(1e-3))
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        flow(repeated=True).compile(keras.optimizers.Muon(1e-3, exclude_layers=["steps"]))
        flow(repeated=True).compile("adam")
        flow(repeated=False).compile(keras.optimizers.Muon(1e-3))
