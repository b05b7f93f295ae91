"""How many images a second the pipelines deliver, so that no training step has to wait for them.

    python benchmarks/image_pipelines.py

Batches of integers (as image flows take them), shuffled, with and without the published augmentation: arrays in memory,
published sets out of TensorFlow Datasets' own files (cached and not), a folder of PNG files (in memory and streamed).
The files hold noise of the published shapes, written to a temporary folder: nothing is downloaded. The first epoch,
which fills a cache, is timed by itself; then rounds of whole epochs.
"""

import argparse
import pathlib
import tempfile
import time

import numpy as np
import reporting
import tensorflow_datasets as tfds
from PIL import Image

from tfflows import datasets

BATCH_SIZE = 64
TARGET = 1_500  # 32 x 32 images a second on 2 cores


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000, help="images of 32 x 32 (default 20,000)")
    parser.add_argument("--rounds", type=int, default=5, help="timed epochs (default 5)")
    reporting.add_arguments(parser)
    args = parser.parse_args()
    if args.fast:
        args.images, args.rounds = 200, 1
    return args


def write(name, folder, count, shape):
    """Prepares a TensorFlow Datasets set of noise with the real builder, in several files as large sets have them."""
    rng = np.random.default_rng(0)

    def examples(number):
        for k in range(number):
            yield k, {"image": rng.integers(256, size=shape).astype(np.uint8), "label": k % 10, "id": str(k)}

    def split_generators(self, dl_manager):
        known = set(self.info.features)
        kept = ((k, {each: value for each, value in row.items() if each in known}) for k, row in examples(count))
        rest = [(k, {each: value for each, value in row.items() if each in known}) for k, row in examples(20)]
        return {"train": kept, "test": iter(rest), "validation": iter(rest)}

    builder = tfds.builder(name, data_dir=folder)
    original = type(builder)._split_generators
    type(builder)._split_generators = split_generators
    try:
        builder.download_and_prepare(download_config=tfds.download.DownloadConfig(num_shards=8))
    finally:
        type(builder)._split_generators = original


def write_folder(folder, count):
    """PNG files of 32 x 32 patches of photographs, in two classes."""
    patches = datasets.natural_patches().train
    for k in range(count):
        place = folder / f"class{k % 2}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(patches[k % len(patches)]).save(place / f"{k}.png")


def epoch(pipeline):
    """Seconds that one pass takes, and its number of images."""
    start, count = time.perf_counter(), 0
    for batch in pipeline:
        count += len(batch[0] if isinstance(batch, tuple) else batch)
    return time.perf_counter() - start, count


def cases(folder, args):
    """Name, data and augmentation of each row."""
    small, large = args.images, args.images // 5
    write("cifar10", folder, small, (32, 32, 3))
    write("imagenet_resized/64x64", folder, large, (64, 64, 3))
    write("lsun/tower", folder, large, (256, 256, 3))
    write_folder(folder / "photos", small // 2)
    patches = datasets.natural_patches()
    sizes = {"data_dir": folder, "num_validation": 0, "download": False}
    cifar = datasets.tfds_images("cifar10", **sizes)
    uncached = datasets.tfds_images("cifar10", cache_bytes=0, **sizes)
    yield "natural_patches, arrays", patches, None
    yield "natural_patches, arrays", patches, ("flip",)
    yield "cifar10, cached", cifar, None
    yield "cifar10, cached", cifar, ("shift",)
    yield "cifar10, from disk", uncached, None
    yield (
        "imagenet_resized 64x64, from disk",
        datasets.tfds_images("imagenet_resized_64x64", cache_bytes=0, **sizes),
        None,
    )
    yield "lsun 64x64 out of 256x256 JPEG", datasets.tfds_images("lsun_tower", **sizes), ("flip",)
    yield "folder of 32x32 PNG, arrays", datasets.from_image_folder(folder / "photos"), None
    yield "folder of 32x32 PNG, from disk", datasets.from_image_folder(folder / "photos", memory_bytes=0), None


def main():
    args = parse_args()
    reporting.use_threads(args.threads)
    tfds.disable_progress_bar()
    rows, record = [], {}
    with tempfile.TemporaryDirectory() as place:
        for name, data, augment in cases(pathlib.Path(place), args):
            pipeline = data.batches(
                "train",
                batch_size=BATCH_SIZE,
                seed=0,
                with_context=data.num_classes is not None,
                dequantize=False,
                augment=augment,
            )
            first, count = epoch(pipeline)
            rates = [count / epoch(pipeline)[0] for _ in range(args.rounds)]
            what = ", ".join(augment or ("none",))
            rows.append([name, what, f"{count:,}", f"{count / first:,.0f}", reporting.spread(rates, 0)])
            record[f"{name}, {what}"] = {"images": count, "first_epoch": count / first, "rates": rates}
            print(f"{name}: done", flush=True)
    slow = [row[0] for row, each in zip(rows, record.values(), strict=True) if reporting.median(each["rates"]) < TARGET]
    text = (
        f"Images a second, batches of {BATCH_SIZE} uint8 images, shuffled; median (smallest to largest) of "
        f"{args.rounds} epochs. Target: {TARGET:,} images of 32 x 32 a second on 2 cores; "
        f"below it: {', '.join(slow) or 'none'}.\n\n"
    )
    headers = ["data", "augmentation", "images", "first epoch", "images/s"]
    print()
    packages = (*reporting.PACKAGES, "tensorflow-datasets", "pillow")
    reporting.report(
        "image_pipelines", "Images a second", text + reporting.table(headers, rows), record, args, packages=packages
    )


if __name__ == "__main__":
    main()
