"""How well the length of a PNG or WebP file measures the complexity of a small image.

    python benchmarks/code_lengths.py

Images of noise around grey, of a standard deviation that differs by image (0.3 to 20 levels, uniform on a log scale),
whose entropy is known, each in a file of its own by `tfflows.evaluation.scores.code_lengths`. In bits per pixel:

    constant   the file of an image of one level: all of it header
    beyond     mean length of the files less the constant one's and the entropy
    error      standard deviation of the lengths around their best line in the entropy
    rank       Spearman's correlation of length and entropy
"""

import argparse
import time

import numpy as np
import reporting
import scipy.stats

SIDES, COUNT = (8, 12, 16, 24, 32, 64), 200
CODES = {  # name: codec, options in the place of the shipped ones
    "PNG": ("png", {}),
    "WebP": ("webp", {}),
    "WebP, method 4": ("webp", {"method": 4}),
    "WebP, method 6": ("webp", {"method": 6}),
}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reporting.add_arguments(parser)
    return parser.parse_args()


def noises(side, count):
    """Images uint8 `[count, side, side, 1]` and the entropies of their pixels in bits `[count]`."""
    rng = np.random.default_rng(side)
    scales = np.exp(rng.uniform(np.log(0.3), np.log(20), count))
    x = np.round(128 + scales[:, None, None, None] * rng.normal(size=(count, side, side, 1)))
    edges = scipy.stats.norm.cdf(np.arange(-150.5, 151)[None] / scales[:, None])
    return np.clip(x, 0, 255).astype(np.uint8), scipy.stats.entropy(np.diff(edges), base=2, axis=1)


def measure(side, count, codec, options):
    """A row: milliseconds a file, then the columns of the table."""
    from tfflows.evaluation.scores.code_length import encoded

    images, entropies = noises(side, count)
    started = time.perf_counter()
    lengths = np.array([8 * len(encoded(image, codec, **options)) for image in images]) / side**2
    spent = (time.perf_counter() - started) * 1000 / count
    constant = 8 * len(encoded(np.full([side, side, 1], 128, np.uint8), codec, **options)) / side**2
    slope, intercept = np.polyfit(entropies, lengths, 1)
    error = np.std(lengths - slope * entropies - intercept)
    rank = scipy.stats.spearmanr(lengths, entropies)[0]
    return [spent, constant, float(np.mean(lengths - constant - entropies)), float(error), float(rank)]


def main():
    args = parse_args()
    import PIL
    from PIL import features

    sides, count = ((8,), 20) if args.fast else (SIDES, COUNT)
    record = {"images": count, "rows": []}
    for name, (codec, options) in CODES.items():
        for side in sides:
            record["rows"].append([name, side, *measure(side, count, codec, options)])
            print(record["rows"][-1], flush=True)
    rows = [[name, side, *(f"{each:.3f}" for each in values)] for name, side, *values in record["rows"]]
    text = reporting.table(["code", "side", "ms", "constant", "beyond", "error", "rank"], rows)
    codecs = f"libwebp {features.version('webp')}, zlib {features.version('zlib')}"
    text += f"\n\nBits per pixel; {count} images a row. Pillow {PIL.__version__}, {codecs}. {' '.join(NOTE.split())}\n"
    reporting.report("code_lengths", "Code lengths of small images", text, record, args, packages=("pillow", "numpy"))


NOTE = """WebP uses method 6, its slowest, up to 24 x 24 pixels and method 4, libwebp's default, beyond, unless it is
named. Milliseconds a file are of a machine that others used at the same time."""


if __name__ == "__main__":
    main()
