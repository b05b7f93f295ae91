"""The joint between Keras 3 and TensorFlow Probability: everything that must know both worlds' insides.

TFP believes that a bijector is a `tf.Module` whose weights are `tf.Variable`s, equal to another one with the same
constructor arguments, and that a value once computed from a tensor stays true of it. Keras believes that weights are
`keras.Variable`s, held by layers that it has traced, and that whatever changes from step to step goes through them.
Neither sees the other's weights, and what either remembers goes stale under the other's optimizer. Here both are told
the truth:

* `keras_bijector`: the base class, whose weights both worlds see, and whose value and log-det come from one pass;
* `weights`: finds every weight in any tree of bijectors and distributions, shows it to both, audits that they agree;
* `composition`: adapts and evaluates any tree, and carries a context through it;
* `missing_gradients`: what TensorFlow lacks for second derivatives under XLA;
* `answers`: the cache between a value and its log-det, which knows when an answer no longer holds;
* `bounded`, `natives`, `native_networks`: TFP's own parts, made right next to an end, checked, and given Keras layers;
* `serialization`: any such tree as a config for a `.keras` file; `configs`: arguments of layers and models, likewise.

Private names of TFP, Keras and TensorFlow appear in this room only.
"""

from tfflows.joint import missing_gradients  # noqa: F401 - registers
from tfflows.joint.keras_bijector import KerasBijector

__all__ = ["KerasBijector"]
