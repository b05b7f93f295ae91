"""Draw samples from a trained run into a .csv or .npy file, images also into a .png picture of them all. Samples of
discrete data are whole numbers."""

import csv
import pathlib

import numpy as np

from tfflows.cli import option_types

SUMMARY = "samples of a run as .csv, .npy or .png"
_COUNT, _PICTURE_COUNT, _PICTURE_COLUMNS = 1000, 100, 10


def add_arguments(parser):
    """Adds the options of `tfflows sample`."""
    add = parser.add_argument
    add("folder", type=pathlib.Path, metavar="RUN", help="run folder made by tfflows train")
    add(
        "-n",
        "--num-samples",
        type=option_types.positive_int,
        metavar="N",
        help=f"how many (default: {_COUNT}, {_PICTURE_COUNT} in a picture)",
    )
    add("--seed", type=option_types.natural, default=0, help="the same seed gives the same samples")
    add(
        "--temperature",
        type=option_types.positive_float,
        default=1.0,
        help="scale of the latent distribution; below 1 samples are more typical",
    )
    add(
        "--context-value",
        metavar="C",
        help="what to condition on: a class's name, or numbers between commas (default: classes as frequent as in "
        "training; numbers must be given)",
    )
    add(
        "--out",
        type=pathlib.Path,
        metavar="FILE",
        help="a .csv, .npy or .png file (default: RUN/samples.csv, of images .npy)",
    )
    add("--overwrite", action="store_true", help="replace the file if it exists")


def run(args, argv):
    """Samples; returns the exit code."""
    from tfflows.cli import run_folder

    known = run_folder.read_config(args.folder)["data"]
    images = len(known["event_shape"]) == 3
    path = args.out or args.folder / ("samples.npy" if images else "samples.csv")
    kinds = (".csv", ".npy", ".png") if images else (".csv", ".npy")
    if path.suffix.lower() not in kinds:
        raise ValueError(f"--out must end in {', '.join(kinds[:-1])} or {kinds[-1]}. Received: {path}")
    if path.exists() and not args.overwrite:
        raise FileExistsError(f"{path} exists: --overwrite to replace it, or another --out")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of --out must exist. Received: {path}")
    picture = path.suffix.lower() == ".png"
    count = args.num_samples or (_PICTURE_COUNT if picture else _COUNT)
    context = _context(args.context_value, known, count, args.seed)
    if picture and context is not None:
        context = np.sort(context)  # one class after the other
    flow = run_folder.load_flow(args.folder)
    samples = np.asarray(flow.sample(count, context=context, seed=args.seed, temperature=args.temperature))
    if known["discrete_levels"] is not None and samples.dtype.kind == "f":
        samples = np.clip(np.floor(samples), 0, known["discrete_levels"] - 1).astype(np.int32)
    labels = [known["class_names"][k] for k in context] if known["class_names"] is not None else None
    if picture:
        _draw(path, samples, known["discrete_levels"])
    else:
        _write(path, samples, known["columns"], labels)
    print(f"{len(samples):,} samples: {path}")
    return 0


def _context(value, known, count, seed):
    """One context per sample, or `None`."""
    if not known["conditional"]:
        if value is not None:
            raise ValueError(f"The flow of this run takes no context. Received: --context-value {value}")
        return None
    names = known["class_names"]
    if names is None:
        return _vectors(value, known["context_size"], count)
    if value is None:
        counts = np.array(known["class_counts"] or [1] * len(names), float)  # a stream's are not counted
        return np.random.default_rng(seed).choice(len(names), size=count, p=counts / counts.sum()).astype(np.int32)
    if value not in names:
        raise ValueError(f"--context-value must be a class: {', '.join(names)}. Received: {value!r}")
    return np.full([count], names.index(value), np.int32)


def _vectors(value, size, count):
    try:
        numbers = np.array([float(part) for part in (value or "").split(",")], np.float32)
    except ValueError:
        numbers = np.zeros([0], np.float32)
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise ValueError(f"--context-value must be {size} finite numbers between commas. Received: {value!r}")
    return np.tile(numbers, (count, 1))


def _draw(path, samples, levels):
    import keras

    from tfflows.ops import grids

    picture = grids.picture(samples, 0, levels - 1, _PICTURE_COLUMNS)
    keras.utils.array_to_img(picture, scale=False).save(path)


def _write(path, samples, columns, labels):
    if path.suffix.lower() == ".npy":
        np.save(path, samples)
        return
    rows = samples.reshape(len(samples), -1)
    names = list(columns or (f"x{i + 1}" for i in range(rows.shape[1])))
    digits = 9 if rows.dtype == np.float32 else 17  # as many as read back the same number
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "class"] if labels is not None else names)
        for i, row in enumerate(rows.tolist()):
            cells = [str(value) if isinstance(value, int) else f"{value:.{digits}g}" for value in row]
            writer.writerow([*cells, labels[i]] if labels is not None else cells)
