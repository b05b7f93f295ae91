"""The `tfflows` command: train, evaluate, sample, export. Modules here import TensorFlow only inside functions."""
