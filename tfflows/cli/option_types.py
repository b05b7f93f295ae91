"""What options accept; argparse prints the messages."""

import argparse
import csv
import math


def positive_int(text):
    """A whole number from 1."""
    return _number(text, int, lambda value: value >= 1, "a whole number from 1")


def natural(text):
    """A whole number from 0 that is a seed for TensorFlow as well, so below 2^31."""
    return _number(text, int, lambda value: 0 <= value < 2**31, "a whole number from 0, below 2^31")


def positive_float(text):
    """A finite number above 0."""
    return _number(text, float, lambda value: value > 0 and math.isfinite(value), "a number above 0")


def names(text):
    """Column names between commas, each quoted where it holds a comma itself."""
    found = [name.strip() for name in next(csv.reader([text]), [])]
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"column names between commas are needed. Received: {text!r}")
    return found


def widths(text):
    """Whole numbers from 1 between commas."""
    return [positive_int(part) for part in text.split(",")]


def _number(text, kind, accepts, wanted):
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not accepts(value):
        raise argparse.ArgumentTypeError(f"{wanted} is needed. Received: {text!r}")
    return value
