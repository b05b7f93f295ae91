"""Graphs and memory of a loop: one body however many the repeats, and nothing left behind."""

import gc
import weakref

import tensorflow as tf
from repeated_steps import value_and_gradients, vector

from tfflows.bijectors import Repeated


def test_the_graph_does_not_grow_with_the_repeats():
    def operations(repeats):
        loop, x = Repeated(vector(0), repeats), tf.zeros([3, 4])
        step = tf.function(lambda: value_and_gradients(loop, "inverse", x), autograph=False)
        graph = step.get_concrete_function().graph.as_graph_def()
        return len(graph.node) + sum(len(function.node_def) for function in graph.library.function)

    assert operations(64) <= operations(3) + 10


# TensorFlow never forgets a registered gradient; ours must not hold the graph that it is for.
def test_graphs_and_weights_die_with_their_owners():
    loop, x = Repeated([vector(i) for i in range(3)]), tf.zeros([3, 4])
    value_and_gradients(loop, "inverse", x)
    graphs = []

    def step(x):
        graphs.append(weakref.ref(tf.compat.v1.get_default_graph()))
        return value_and_gradients(loop, "inverse", x)

    for _ in range(3):
        tf.function(step, autograph=False)(x)
    inner = [f.graph for each in (loop._inverse_loop,) for f in _traced(each)]
    assert inner and all(graph.tfflows_loop for graph in inner)
    graphs += [weakref.ref(graph) for graph in inner]
    del inner
    gc.collect()
    assert [graph() is None for graph in graphs] == [True] * 3 + [False] * (len(graphs) - 3)
    weight = weakref.ref(loop.weights[0])
    loop = step = None
    gc.collect()
    assert all(graph() is None for graph in graphs) and weight() is None


def _traced(loop):
    return [traced for function in loop._functions.values() for traced in function._list_all_concrete_functions()]


def test_eager_training_leaves_nothing():
    loop, x = Repeated([vector(i) for i in range(3)]), tf.zeros([3, 4])

    def tensors():
        gc.collect()
        return sum(isinstance(each, tf.Tensor) for each in gc.get_objects())

    value_and_gradients(loop, "inverse", x)
    before = tensors()
    for _ in range(10):
        value_and_gradients(loop, "inverse", x)
        loop.weights[0].assign(loop.weights[0] * 0.9)
    assert tensors() <= before and len(_traced(loop._inverse_loop)) == 1


def test_new_batch_sizes_do_not_trace_for_ever():
    loop = Repeated([vector(i) for i in range(2)])
    for batch in range(1, 12):
        assert loop.inverse(tf.zeros([batch, 4])).shape == (batch, 4)
    assert len(_traced(loop._inverse_loop)) == 2
