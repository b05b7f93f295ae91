"""A column of the conformance table of models: how a model is made, and what it is fed."""

import dataclasses
import functools
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

CLASSES, CONTEXT_SIZE, LEVELS = 3, 2, 17


@dataclasses.dataclass(frozen=True)
class Case:
    """A model, and what it is fed.

    Args:
      name: str, unique.
      of: the public class that the column stands for, a model or a posterior layer.
      make: `make(dtype) -> model`, built, of a Keras precision policy.
      kind: "reals" and "levels" for flows of either, "autoencoder", or "target" for a flow that is fitted to one.
      context: "class", "vector" or `None`.
      event_shape: tuple.
      options: dict, what the column is made with where the class has variants.
    """

    name: str
    of: type
    make: Callable
    kind: str = "reals"
    context: str | None = "class"
    event_shape: tuple = (3,)
    options: dict = dataclasses.field(default_factory=dict, hash=False)

    def __str__(self):
        return self.name

    @property
    def tags(self):
        """By which rows say for whom they are not."""
        return {self.name, self.kind, f"{self.context or 'no'} context"}

    @property
    def is_flow(self):
        return self.kind in ("reals", "levels")

    def fresh(self, dtype="float32"):
        """A new model, adapted, with no weight where it starts; two of them have the same weights."""
        model = self.make(dtype)
        if self.is_flow:
            model.adapt(*self.batch(40, dtype))
        rng = np.random.default_rng(1)
        for weight in model.trainable_variables:
            weight.assign_add(0.1 * rng.normal(size=weight.shape))
        return model

    def shared(self, dtype="float32"):
        """One model for all rows that only ask it."""
        return _shared(self, dtype)

    def to_train(self, rate=0.0, *, dtype="float32", eager=True, **options):
        """A new model, compiled."""
        model = self.fresh(dtype)
        model.compile(keras.optimizers.SGD(rate), run_eagerly=eager, **options)
        return model

    def x(self, n, dtype="float32", seed=0):
        """Data as `fit` takes them."""
        rng, shape = np.random.default_rng(seed), (n, *self.event_shape)
        if self.kind == "levels":
            return rng.integers(LEVELS, size=shape).astype("uint8")
        if self.kind == "autoencoder":
            return rng.integers(2, size=shape).astype(dtype)
        return (1 + 2 * rng.normal(size=shape)).astype(dtype)

    def reals(self, n, dtype="float32", seed=0):
        """Events without noise to draw: of levels, reals made of them."""
        x = self.x(n, dtype, seed)
        return (x + 0.25).astype(dtype) if self.kind == "levels" else x

    def contexts(self, n, seed=0):
        rng = np.random.default_rng(10 + seed)
        if self.context == "vector":
            return rng.normal(size=(n, CONTEXT_SIZE)).astype("float32")
        return rng.integers(CLASSES, size=n) if self.context == "class" else None

    def batch(self, n, dtype="float32", seed=0):
        """`(x,)` or `(x, context)`."""
        x, context = self.x(n, dtype, seed), self.contexts(n, seed)
        return (x,) if context is None else (x, context)

    def answers(self, model, n, seed=0):
        """Every method that answers to a seed, or draws nothing: functions of nothing, which give arrays."""
        x, context, dtype = self.x(n, seed=seed), self.contexts(n, seed), model.density_dtype
        if self.kind == "autoencoder":
            z = np.random.default_rng(seed).normal(size=(n, model.posterior.latent_size)).astype(dtype)
            return {
                "encode": lambda: [model.encode(x, seed=3)],
                "decode": lambda: [model.decode(z)],
                "reconstruct": lambda: [model.reconstruct(x, seed=3)],
                "sample": lambda: [model.sample(n, seed=4)],
                "log_weights": lambda: [model.log_weights(x, num_samples=2, seed=3)],
            }
        if self.kind == "target":
            return {
                "log_prob": lambda: [model.log_prob(x)],
                "sample": lambda: [model.sample(n, seed=4)],
                "sample_and_log_prob": lambda: model.sample_and_log_prob(n, seed=4),
                "predict": lambda: [self.predicted(model, n, seed)],
            }
        found = {
            "log_prob": lambda: [model.log_prob(x, context, seed=3)],
            "encode": lambda: [model.encode(x, context, seed=3)],
            "decode": lambda: [model.decode(self.latents(model, n, seed), context)],
            "sample": lambda: [model.sample(n, context=context, seed=4)],
        }
        if self.kind == "reals":
            found["sample_and_log_prob"] = lambda: model.sample_and_log_prob(n, context=context, seed=4)
            found["predict"] = lambda: [self.predicted(model, n, seed)]
        return found

    @property
    def noisy(self):
        """Whether `predict` draws noise, so that no two calls give the same."""
        return self.kind in ("levels", "autoencoder")

    def predicted(self, model, n, seed=0):
        """What `predict` gives, of an autoencoder the bound."""
        batch = self.batch(n, seed=seed)
        found = model.predict(batch if len(batch) > 1 else batch[0], batch_size=4, verbose=0)
        return found["elbo"] if self.kind == "autoencoder" else found

    @staticmethod
    def latents(model, n, seed=0):
        shape = (n, *model.distribution.distribution.event_shape)
        return np.random.default_rng(seed).normal(size=shape).astype(model.density_dtype)


@functools.cache
def _shared(case, dtype):
    return case.fresh(dtype)


def rewound(model):
    """The model with its generators of noise where they started: what it draws next can be drawn again."""
    states = [variable for variable in model.variables if variable.path.endswith("seed_generator_state")]
    dropout = getattr(model, "_dropout_seeds", None)
    for state in [*states, *([] if dropout is None else [dropout.state])]:
        state.assign([0, 7])
    return model


def negative_log_likelihoods(model, batch, rewind=True):
    """Of each example, nats, as a step of training after `rewound` draws their noise."""
    if rewind:
        rewound(model)
    if hasattr(model, "posterior"):
        return -model(tf.convert_to_tensor(batch[0]), training=True)["elbo"].numpy()
    return -model(batch, training=True).numpy()
