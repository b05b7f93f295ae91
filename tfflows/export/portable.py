"""A function of TensorFlow as one graph of plain operations, which the converters of other runtimes take."""

import math

import tensorflow as tf


def portable(function, signature, name, *, rules):
    """What `function(*signature)` computes, a `tf.function` that returns `{name: result}`.

    All that does not depend on the arguments, weights above all, becomes constants. Where an assertion fails, which no
    other runtime has, the result is NaN.

    Args:
      function: of tensors, to one floating-point tensor.
      signature: list of the `tf.TensorSpec`s of its arguments.
      name: str, of the result.
      rules: dict from types of TensorFlow's operations to functions as in `operations`.

    Raises:
      ValueError: the function draws random numbers, or reads a variable in a loop.
    """
    graph = tf.compat.v1.wrap_function(function, signature)
    result, arguments = graph.outputs[0], graph.inputs[: len(signature)]
    holding = [op.inputs[0] for op in graph.graph.get_operations() if op.type == "Assert"]
    operations = _leading_to([result, *holding], graph.graph)
    if drawing := sorted({op.type for op in operations if "Random" in op.type}):
        raise ValueError(f"it draws random numbers ({', '.join(drawing)})")
    live = {argument.op for argument in arguments}
    for op in operations:
        listed = any(output.dtype == tf.variant for output in op.outputs)
        if listed or any(each.op in live for each in op.inputs):
            live.add(op)
    fixed = {each.ref() for op in operations if op in live for each in op.inputs}
    fixed |= {each.ref() for each in (result, *holding)}
    fixed = [each for each in (reference.deref() for reference in fixed) if each.op not in live]
    if any(each.dtype == tf.resource for each in fixed):
        raise ValueError("it reads a variable in a loop")
    values = [value.numpy() for value in graph.prune([], fixed)()] if fixed else []
    looping = any(attribute.HasField("func") for op in live for attribute in op.node_def.attr.values())
    bodies = tf.compat.v1.GraphDef(library=graph.graph.as_graph_def().library) if looping else None

    def replayed(*inputs):
        known = {old.ref(): new for old, new in zip(arguments, inputs, strict=True)}
        known |= {old.ref(): tf.constant(value) for old, value in zip(fixed, values, strict=True)}
        if looping:
            tf.graph_util.import_graph_def(bodies)
        for op in operations:
            if op in live and op.outputs[0].ref() not in known:
                outputs = _again(op, [known[each.ref()] for each in op.inputs], rules)
                known |= {old.ref(): new for old, new in zip(op.outputs, outputs, strict=True)}
        found = known[result.ref()]
        for assertion in holding:
            found = tf.where(known[assertion.ref()], found, tf.constant(math.nan, found.dtype))
        return {name: tf.identity(found)}

    return tf.function(replayed, input_signature=signature, autograph=False)


def _leading_to(results, graph):
    """The operations that tensors depend on, in their order."""
    wanted, left = set(), [result.op for result in results]
    while left:
        op = left.pop()
        if op not in wanted:
            wanted.add(op)
            left.extend(each.op for each in op.inputs)
    return [op for op in graph.get_operations() if op in wanted]


def _again(op, inputs, rules):
    if op.type in rules:
        return [rules[op.type](op, *inputs)]
    types, given = [output.dtype for output in op.outputs], op.node_def.attr
    attributes = {key: given[key] for key in given if not key.startswith("_")}
    return tf.compat.v1.get_default_graph().create_op(op.type, inputs, types, attrs=attributes).outputs
