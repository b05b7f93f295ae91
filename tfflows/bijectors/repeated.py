"""Many equal steps as one structure."""

import copy

import keras
import tensorflow as tf

from tfflows import arguments
from tfflows.bijectors import equal_steps
from tfflows.joint import KerasBijector, composition
from tfflows.ops.reversible import Loop


class Repeated(KerasBijector):
    """`K` steps of one structure, each with weights of its own: `forward = step_0 o step_1 o ... o step_{K-1}`.

    The value and the log-det are those of `Chain(steps)`, first step nearest to the data:

    * forward: `y = step_0(... step_{K-1}(x))`
    * inverse: `x = step_{K-1}^-1(... step_0^-1(y))`
    * log-det: the sum over the steps.

    But the `K` steps are one loop over weights of shape `[K, ...]`: a graph as large as that of one step, whatever
    `K`, and a gradient that inverts instead of storing (Gomez et al. 2017, algorithm 1): going back, the input of a
    step is computed from its output, and the step evaluated again. Memory is that of one step and of the inputs of
    every `checkpoint_every`-th step, which are stored. The time of a gradient is that of one more evaluation of
    each step, and of one more inversion of all but the stored ones.

    An input that was computed back differs from the true one by rounding, amplified from step to step by how much the
    inverse stretches, until the next stored one. `checkpoint_every=1` stores every input: nothing is inverted, the
    gradient is that of the chain to the last digits, and memory grows by one event a step; where that is little, it is
    the quicker choice. `reversible=False` puts all steps into the graph and stores all that TensorFlow wants, as a
    chain does: the quickest for a few steps, with a graph and a memory that grow with `K`.

    Both directions have this gradient, with respect to the event, the weights and a float context. Gradients of the
    gradient are right, and store everything.

    `event_ndims`: that of the step. Cost: in each direction, that of `K` steps, one after the other.

    Args:
      step: sequence of steps that differ in the values of their weights only, which are taken over; or one step, with
        `num_repeats`. A step is any bijector made of Keras weights that keeps the shape of its events.
      num_repeats: int, `K`, if `step` is one bijector: much quicker than to make `K`.
      seed: int: draw the random initial values of that one bijector's weights anew for every repeat. By default every
        repeat starts with the values that it has.
      checkpoint_every: int, of how many steps the input of one is stored.
      reversible: bool, whether the steps are one loop whose gradient evaluates them again.

    Raises:
      TypeError: a step that is not a bijector.
      ValueError: no steps, steps of different structure (the first difference is named) or with shared weights;
        weights that are not Keras's; layers that change when they are evaluated (dropout, batch normalization), or
        whose weights have constraints; a step that changes the shape of its events.

    Example:

    >>> import tensorflow as tf
    >>> from tfflows.bijectors import ActNorm, AffineCoupling, Chain, Permutation, Repeated
    >>> from tfflows.networks import MLP
    >>> def step():
    ...     return Chain([ActNorm([2]), Permutation([1, 0]), AffineCoupling([1, 0], MLP(2, hidden_units=(8,)))])
    >>> repeated = Repeated([step() for _ in range(16)])
    >>> repeated.forward(tf.zeros([5, 2])).shape.as_list()
    [5, 2]
    >>> tuple(Repeated(step(), 32, seed=0).weights[0].shape)
    (32, 2)

    References:
      Gomez, Ren, Urtasun, Grosse. The reversible residual network: backpropagation without storing activations.
        NeurIPS 2017, arXiv 1707.04585.
      Kingma, Dhariwal. Glow: generative flow with invertible 1x1 convolutions. 2018, arXiv 1807.03039, figure 2.
    """

    parameters_are_templates = True

    def __init__(self, step, num_repeats=None, *, seed=None, checkpoint_every=8, reversible=True, name="repeated"):
        arguments.check_integer(checkpoint_every=checkpoint_every)
        parameters = dict(locals())
        template, variables, initial = equal_steps.structure_and_weights(step, num_repeats, seed)
        repeats = num_repeats or len(step)
        super().__init__(
            forward_min_event_ndims=template.forward_min_event_ndims,
            is_constant_jacobian=template.is_constant_jacobian,
            parameters={**parameters, "step": template, "num_repeats": repeats},
        )
        stacked = [self._stack(v, values) for v, values in zip(variables, initial)]
        self._steps = _Steps(template, variables, stacked, repeats)
        options = {
            "num_steps": repeats,
            "event_ndims": template.forward_min_event_ndims,
            "checkpoint_every": checkpoint_every if reversible else None,
        }
        forward, inverse = self._steps.forward, self._steps.inverse
        self._forward_loop = Loop(forward, inverse, reverse=True, **options)
        self._inverse_loop = Loop(inverse, forward, reverse=False, **options)

    def _stack(self, variable, values):
        """A weight of shape `[K, ...]`: this one in every step."""
        weight = self.add_weight(
            name=variable.path.replace("/", "."),
            value=values,
            dtype=keras.backend.standardize_dtype(variable.dtype),
            trainable=variable.trainable,
        )
        weight.regularizer = variable.regularizer
        return weight

    @property
    def step(self):
        """The structure of a step; its weights are not those of any."""
        return self._steps.template

    @property
    def num_repeats(self):
        """`K`."""
        return self._steps.num_repeats

    def forward_and_log_det(self, x, context=None):
        return self._forward_loop(x, self._steps.values(), context, plain=self.in_forward_mode(x, context))

    def inverse_and_log_det(self, y, context=None):
        return self._inverse_loop(y, self._steps.values(), context, plain=self.in_forward_mode(y, context))

    def fresh_weights(self, seed):
        return self._steps.fresh_weights(seed)

    def unrolled(self):
        """The steps as bijectors of their own, a list, first nearest to the data; their weights are copies."""
        return self._steps.unrolled()

    @property
    def adapted(self):
        """Whether every step is."""
        return self._steps.adapted()

    def adapt(self, y, context=None):
        """Initialises the data-dependent weights of every step, from the data end inwards; returns `inverse(y)`."""
        y = tf.convert_to_tensor(y)
        return self.inverse_and_log_det(y, context)[0] if self.adapted else self._steps.adapt(y, context)


class _Steps:
    """The structure of a step, and the weights of all; a plain object, so that nothing tracks the template's own."""

    def __init__(self, template, variables, stacked, num_repeats):
        self.template, self.num_repeats = template, num_repeats
        self._variables, self._stacked = variables, stacked

    def values(self):
        """The stacked weights, as tensors."""
        return [tf.convert_to_tensor(weight.value) for weight in self._stacked]

    def forward(self, x, weights, context):
        """One step with these weights."""
        return self._evaluate(self.template.forward_and_log_det, x, weights, context)

    def inverse(self, y, weights, context):
        """The inverse of one step with these weights."""
        return self._evaluate(self.template.inverse_and_log_det, y, weights, context)

    def _evaluate(self, method, x, weights, context):
        self.template.check_input(x)
        with self._substituted(weights) as scope:
            y, log_det = method(x, context=context)
        changed = [v.path for v, w in zip(self._variables, weights) if scope.get_current_value(v) is not w]
        if changed or scope.losses:
            raise ValueError(
                "A repeated step is evaluated again for its gradient, so evaluating it must not change weights or add "
                f"losses. Received: a step that changes {changed} and adds {len(scope.losses)} losses"
            )
        return y, log_det

    def _substituted(self, weights):
        """A scope in which the template computes with these weights, each in its own dtype."""
        scope = keras.StatelessScope(collect_losses=True)
        for variable, weight in zip(self._variables, weights):
            scope.add_update((variable, weight))
        return scope

    def _slices(self):
        columns = [tf.unstack(value) for value in self.values()]
        return [[column[i] for column in columns] for i in range(self.num_repeats)]

    def fresh_weights(self, seed):
        """Of every repeat, stacked."""
        drawn = [equal_steps.fresh_weights(self.template, (seed, i)) for i in range(self.num_repeats)]
        pairs = zip(self._variables, self._stacked)
        return [(weight, tf.stack([each[id(v)] for each in drawn])) for v, weight in pairs if id(v) in drawn[0]]

    def unrolled(self):
        """Every step as a bijector of its own."""
        steps = []
        for weights in self._slices():
            step = copy.deepcopy(self.template)
            for variable, value in zip(equal_steps.weights_of_step(step), weights, strict=True):
                variable.assign(value)
            steps.append(step)
        return steps

    def adapted(self):
        """Whether no step waits for data."""
        for weights in self._slices():
            with self._substituted(weights):
                if composition.unadapted(self.template):
                    return False
        return True

    def adapt(self, y, context):
        """Adapts step after step; nothing is written unless all succeed."""
        before, after = self._slices(), []
        for weights in before:
            with self._substituted(weights) as scope:
                y = composition.adapt(self.template, y, context)
            after.append([scope.get_current_value(variable) for variable in self._variables])
        for weight, old, new in zip(self._stacked, zip(*before), zip(*after)):
            if any(a is not b for a, b in zip(old, new)):
                weight.assign(tf.stack(new))
        return y
