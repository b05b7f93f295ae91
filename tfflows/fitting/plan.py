"""What a call of `fit`, `evaluate` or `predict` runs: decided once, before it begins, with a reason for each choice."""

import dataclasses
import math

from tfflows.fitting import execution

STEPS = 32  # of a small model between returns to Python; batches of a block of `predict`
GRAPH, XLA, XLA_IF_IT_CAN, EAGER = "graph", "XLA", "XLA if it can", "eager"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What `compile` was asked for; "auto" is for what suits the model, its data and the machine."""

    steps_per_call: int | str = 1
    jit_compile: bool | str = "auto"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What one call runs; `print` shows it with the reasons.

    Attributes:
      steps_per_call: int, steps between returns to Python.
      split: bool, whether a batch is evaluated in two halves at the same time.
      in_memory: bool, whether the compiled loop takes batches from arrays in memory; otherwise they are streamed.
      compiler: "graph", "XLA", "XLA if it can" (otherwise "graph"), or "eager".
      reasons: dict from the names above to why.
    """

    steps_per_call: int
    split: bool
    in_memory: bool
    compiler: str
    reasons: dict = dataclasses.field(compare=False)

    def __str__(self):
        return "\n".join(f"{name}: {getattr(self, name)} ({why})" for name, why in self.reasons.items())


def training_plan(model, asked, *, steps_per_epoch=None, arrays=False, each_batch=None):
    """The `Plan` of a `fit` or an `evaluate`.

    Args:
      model: `PlannedModel`.
      asked: `Asked`.
      steps_per_epoch: int, of which "auto" steps a call are a divisor; `None` for all there is.
      arrays: bool, whether the data are arrays in memory.
      each_batch: name of a callback that needs every batch, or `None`.
    """
    cores, special, large = execution.cores(), _special(model), _large(model)
    if asked.steps_per_call != "auto":
        steps = int(asked.steps_per_call), "as compiled"
    elif special or large or each_batch:  # Keras's loop of several steps fails on several replicas
        steps = 1, special or large or f"{each_batch} needs every batch"
    else:
        steps = math.gcd(steps_per_epoch or STEPS, STEPS), "a step of a small model would wait for Python"
    special = special or ("with XLA" if model.jit_compile else "")
    why = special or large or ("" if model.splittable else "the loss is one of the whole batch")
    split = not why and cores > 1, why or f"cores that narrow layers leave idle: {cores - 1}"
    why = special or ("" if arrays else "no plain arrays") or ("one step a call" if steps[0] == 1 else "")
    why = why or ("" if model.own_step else "a step that may return logs which are no metrics")
    in_memory = not why, why or "slices of an array cost less than a stream of batches"
    return _plan(steps, split, in_memory, _compiler(model))


def prediction_plan(model, asked, *, batches=0):
    """The `Plan` of a `predict`.

    Args:
      model: `PlannedModel`.
      asked: `Asked`.
      batches: float, how many batches there are in arrays in memory; 0 for other data.
    """
    why = _special(model) or ("" if batches > 1 else "no array of more than a batch")
    if why:
        auto = asked.steps_per_call == "auto"
        steps = (1, "Keras would unroll several") if auto else (int(asked.steps_per_call), "as compiled")
        return _plan(steps, (False, "only in training"), (False, why), _compiler(model))
    compiler = _compiler(model)
    small = execution.on_cpu() and not _large(model)
    if asked.jit_compile == "auto" and compiler[0] == GRAPH and batches >= STEPS and small:
        compiler = XLA_IF_IT_CAN, "many batches of a small model are faster with it on a CPU"
    in_memory = True, f"blocks of {STEPS} batches cost less than a stream of batches"
    return _plan((1, "a block of batches"), (False, "batches run side by side"), in_memory, compiler)


def _plan(*decisions):
    values, reasons = zip(*decisions, strict=True)
    return Plan(*values, dict(zip(("steps_per_call", "split", "in_memory", "compiler"), reasons, strict=True)))


def _special(model):
    return "eager" if model.run_eagerly else "on several replicas" if execution.distributed(model) else ""


def _large(model):
    if not model.built:
        return "not built yet"
    return "" if model.count_params() < 1_000_000 else "a million weights or more: steps keep the cores busy"


def _compiler(model):
    compiler = EAGER if model.run_eagerly else XLA if model.jit_compile else GRAPH
    return compiler, "as compiled; by default XLA on accelerators only"
