"""What `evaluation.doctor` examines: `walk` goes through the layers of a flow, every other file holds one question.

A question about a layer is a function `examine(layer)`, about the whole flow `examine(patient)`; either gives findings.
"""
