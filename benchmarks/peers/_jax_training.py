"""The training loop shared by the JAX peers."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax

BATCH_SIZE = 1024
LEARNING_RATE = 1e-3


class JaxFlow:
    """Maximum-likelihood training of a JAX flow.

    The whole train step, the choice of the batch included, is one compiled function; with
    ``group`` above 1, so are that many successive steps, joined by ``jax.lax.scan``.

    Args:
        parameters: The tree of trainable arrays.
        log_prob: The log density of a batch, a function of parameters and batch.
        train_data: Array of shape ``[N, 2]``.
        version: Text that names the libraries' versions.
        group: How many optimizer steps to make in one call of the compiled function.
        draw: A batch of draws, a function of parameters and key, where its benchmark asks for them.
    """

    def __init__(self, parameters, log_prob, train_data: np.ndarray, version: str, group: int, draw=None):
        self.version, self._draw = version, draw and jax.jit(draw)
        self.num_parameters = sum(leaf.size for leaf in jax.tree.leaves(parameters))
        optimizer = optax.adam(LEARNING_RATE)
        rows = len(train_data) // BATCH_SIZE
        self._data = jnp.asarray(train_data[: rows * BATCH_SIZE].reshape(rows, BATCH_SIZE, -1))
        self._first = self._data[0]
        self._group = group
        self._state = parameters, optimizer.init(parameters), jnp.zeros((), jnp.int32)

        def loss(parameters, batch):
            return -jnp.mean(log_prob(parameters, batch))

        def one_step(state, data):
            parameters, optimizer_state, step = state
            batch = jax.lax.dynamic_index_in_dim(data, step % rows, keepdims=False)
            value, gradients = jax.value_and_grad(loss)(parameters, batch)
            updates, optimizer_state = optimizer.update(gradients, optimizer_state, parameters)
            return (optax.apply_updates(parameters, updates), optimizer_state, step + 1), value

        def many_steps(state, data):
            state, values = jax.lax.scan(lambda state, _: one_step(state, data), state, length=group)
            return state, values[-1]

        self._one_step = jax.jit(one_step, donate_argnums=0)
        self._many_steps = jax.jit(many_steps, donate_argnums=0)
        self._log_prob = jax.jit(log_prob)

    def train(self, steps: int) -> float:
        """Make optimizer steps on successive batches and return the last loss."""
        loss = float("nan")
        groups, singles = divmod(steps, self._group) if self._group > 1 else (0, steps)
        for _ in range(groups):
            self._state, loss = self._many_steps(self._state, self._data)
        for _ in range(singles):
            self._state, loss = self._one_step(self._state, self._data)
        jax.block_until_ready(self._state)
        return float(loss)

    def log_prob(self, steps: int) -> None:
        """Evaluate the log density of one batch repeatedly, waiting for each result."""
        parameters = self._state[0]
        for _ in range(steps):
            self._log_prob(parameters, self._first).block_until_ready()

    def sample(self, steps: int) -> None:
        """Draw a batch repeatedly, waiting for each."""
        for i in range(steps):
            self._draw(self._state[0], jax.random.key(i)).block_until_ready()
