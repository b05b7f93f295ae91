"""How a model is trained and evaluated: what is checked, what runs, and in which loops."""
