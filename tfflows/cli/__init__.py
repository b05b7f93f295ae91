"""The `tfflows` command: train, evaluate, doctor, score, sample, export.

Modules that parse and check import TensorFlow only inside functions. What does not fit is refused with a `ValueError`
or an `OSError` that says what was wanted and what was received; `main` prints it.
"""
