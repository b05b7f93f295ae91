"""Freezing and thawing, seen by Keras and by TFP alike.

Keras asks a weight whether it is trainable, TFP and gradient tapes the `tf.Variable` in it, to which Keras never tells
what it was set to after it was made.
"""

import weakref

import keras
import tensorflow as tf


class ShownVariable(keras.Variable):
    """A Keras weight that tells its `tf.Variable` when it is frozen or thawed."""

    @property
    def trainable(self):
        """Whether the weight is trainable."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        _tell(self)


class Owner:
    """Base, before a Keras model, of one that owns the weights of a distribution in its `flow_layers`."""

    @property
    def trainable(self):
        """Whether the model trains anything."""
        return super().trainable

    @trainable.setter
    def trainable(self, value):
        super(Owner, type(self)).trainable.fset(self, value)
        for layer in self.flow_layers:  # Keras stops at layers that are so already
            show(layer.variables)


def show(variables, owner=None):
    """Lets the `tf.Variable`s of Keras weights be trainable when these are, from now on.

    Keras trains nothing of a model that is frozen, also where one of its layers is thawed again. With an `owner`, such
    a model, its weights are not trainable either while it is frozen, unless another owner of them is not.
    """
    for variable in variables:
        if type(variable) is keras.Variable:
            variable.__class__ = ShownVariable
        if not isinstance(variable, ShownVariable) or not isinstance(variable._value, tf.Variable):
            continue
        _remember(variable._value, "_tfflows_shown", variable)
        if owner is not None:
            _remember(variable, "_tfflows_owners", owner)
        _tell(variable)


def _tell(variable):
    """Sets the flag of the `tf.Variable` in a Keras weight: whether any weight that holds it is trained."""
    value = variable._value
    trainable = any(map(_is_trained, _remembered(value, "_tfflows_shown")))
    for each in getattr(value, "values", [value]):  # of a mirrored variable one for each replica
        each._trainable = trainable


def _is_trained(variable):
    owners = _remembered(variable, "_tfflows_owners")
    return variable.trainable and (not owners or any(owner.trainable for owner in owners))


def _remember(holder, name, item):
    if not any(each is item for each in _remembered(holder, name)):
        vars(holder)[name] = [*vars(holder).get(name, ()), weakref.ref(item)]


def _remembered(holder, name):
    return [item for reference in vars(holder).get(name, ()) if (item := reference()) is not None]
