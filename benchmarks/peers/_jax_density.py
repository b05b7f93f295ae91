"""Training, evaluation and sampling shared by the JAX peers of ``density_estimators.py``."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

GROUP = 20  # optimizer steps in one call of the compiled function


class JaxDensity:
    """Maximum-likelihood training of a JAX flow by the recipe of the benchmark.

    Args:
        parameters: The tree of trainable arrays.
        log_prob: The log density of a batch, a function of parameters and batch.
        sample: Draws, a function of parameters and key; or ``None``.
        arrays: ``train`` and ``test``, of shape ``[N, D]``, and the recipe: ``batch_size``, ``steps``,
            ``warmup_steps``, ``learning_rate``, ``clip_norm``.
        version: Text that names the libraries' versions.
    """

    def __init__(self, parameters, log_prob, sample, arrays: dict, version: str):
        self.version = version
        self.num_parameters = sum(leaf.size for leaf in jax.tree.leaves(parameters))
        batch_size, steps = int(arrays["batch_size"]), int(arrays["steps"])
        schedule = optax.warmup_cosine_decay_schedule(
            0.0, float(arrays["learning_rate"]), int(arrays["warmup_steps"]), steps, 0.0
        )
        optimizer = optax.chain(optax.clip_by_global_norm(float(arrays["clip_norm"])), optax.adam(schedule))
        rows = len(arrays["train"]) // batch_size
        self._data = jnp.asarray(arrays["train"][: rows * batch_size].reshape(rows, batch_size, -1))
        self._test = jnp.asarray(arrays["test"])
        self._state = parameters, optimizer.init(parameters), jnp.zeros((), jnp.int32)
        self._key = jax.random.key(0)

        def loss(parameters, batch):
            return -jnp.mean(log_prob(parameters, batch))

        def one_step(state, data):
            parameters, optimizer_state, step = state
            batch = jax.lax.dynamic_index_in_dim(data, step % rows, keepdims=False)
            value, gradients = jax.value_and_grad(loss)(parameters, batch)
            updates, optimizer_state = optimizer.update(gradients, optimizer_state, parameters)
            return (optax.apply_updates(parameters, updates), optimizer_state, step + 1), value

        def many_steps(state, data):
            state, values = jax.lax.scan(lambda state, _: one_step(state, data), state, length=GROUP)
            return state, values[-1]

        self._one_step = jax.jit(one_step, donate_argnums=0)
        self._many_steps = jax.jit(many_steps, donate_argnums=0)
        self._log_prob = jax.jit(log_prob)
        self._sample = None if sample is None else jax.jit(sample)

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss, (groups, singles) = float("nan"), divmod(steps, GROUP)
        for _ in range(groups):
            self._state, loss = self._many_steps(self._state, self._data)
        for _ in range(singles):
            self._state, loss = self._one_step(self._state, self._data)
        jax.block_until_ready(self._state)
        return float(loss)

    def log_prob(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly, waiting for each result."""
        for _ in range(steps):
            self._log_prob(self._state[0], self._data[0]).block_until_ready()

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly, waiting for each."""
        for _ in range(steps):
            self._key, key = jax.random.split(self._key)
            self._sample(self._state[0], key).block_until_ready()

    def evaluate(self, draws: int) -> dict:
        """The mean log density of the test data, in nats."""
        parts = [np.asarray(self._log_prob(self._state[0], x)) for x in jnp.array_split(self._test, 10)]
        return {"log_prob": float(np.concatenate(parts).astype("float64").mean())}
