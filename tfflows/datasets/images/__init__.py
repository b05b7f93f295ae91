"""Data sets of images: folders, streams, photographs, published sets; what is done to pixels."""
