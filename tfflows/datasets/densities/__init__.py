"""Toy densities with exact log-probabilities, and energies known up to a constant."""
