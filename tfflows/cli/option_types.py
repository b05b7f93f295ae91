"""What options accept; argparse prints the messages."""

import argparse
import csv
import math


def _number(kind, accepts, wanted):
    """A converter of text to numbers of a kind that it accepts."""

    def convert(text):
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not accepts(value):
            raise argparse.ArgumentTypeError(f"{wanted} is needed. Received: {text!r}")
        return value

    return convert


positive_int = _number(int, lambda value: value >= 1, "a whole number from 1")
natural = _number(int, lambda value: 0 <= value < 2**31, "a whole number from 0, below 2^31")  # TensorFlow's seeds
positive_float = _number(float, lambda value: 0 < value < math.inf, "a number above 0")


def names(text):
    """Column names between commas, each quoted where it holds a comma itself."""
    found = [name.strip() for name in next(csv.reader([text]), [])]
    if not found or not all(found):
        raise argparse.ArgumentTypeError(f"column names between commas are needed. Received: {text!r}")
    return found


def widths(text):
    """Whole numbers from 1 between commas."""
    return [positive_int(part) for part in text.split(",")]
