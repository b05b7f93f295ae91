"""Train a flow by maximum likelihood and leave a run folder: config.json, log.csv, metrics.json, figures, model.keras
and saved_model/. Defaults of some options depend on the data; small images are those of up to 16 x 16 pixels."""

import argparse
import pathlib
import time

from tfflows.cli import option_types

SUMMARY = "train a flow; without options, RealNVP on two moons"
PRECISIONS = ("float32", "mixed_float16", "mixed_bfloat16", "float64")
MOST_EPOCHS, IMPORTANCE_DRAWS = 500, 16
SMALL_SIDE = 16  # images of so many pixels and fewer
VECTORS = {"steps": 5_000, "batch_size": 512, "learning_rate": 3e-3, "patience": 50}
SMALL_IMAGES = {"steps": 1_000, "batch_size": 64, "learning_rate": 5e-3, "patience": 50}
IMAGES = {"steps": 2_000, "batch_size": 32, "learning_rate": 1e-3, "patience": 50}
FILE_OPTIONS = ("columns", "context", "labels", "header", "key")


def add_arguments(parser):
    """Adds the options of `tfflows train`."""
    add = parser.add_argument
    add(
        "--model",
        default="real-nvp",
        help="which flow: real-nvp (of vectors or of images), glow or transformer-flow (of images), "
        "autoregressive-flow or neural-spline-flow (of vectors)",
    )
    _add_data(parser.add_argument_group("data").add_argument)
    add("--output", type=pathlib.Path, metavar="RUN", help="run folder (default: runs/MODEL-DATA)")
    add("--seed", type=option_types.natural, default=0, help="of data, weights, order and noise")
    add("--precision", choices=PRECISIONS, default="float32", help="Keras dtype policy; log-densities stay float32")
    add("--resume", action="store_true", help="continue a stopped run with the settings in its config.json")
    add("--overwrite", action="store_true", help="replace the run in the run folder")
    _add_training(parser.add_argument_group("training").add_argument)
    _add_vectors(parser.add_argument_group("models of vectors").add_argument)
    _add_images(parser.add_argument_group("models of images").add_argument)


def _add_data(add):
    data = "names: two-moons, eight-gaussians, rings, checkerboard, pinwheel, two-spirals, swiss-roll, banana, funnel, "
    data += "rotated-mixture, "
    data += "digits, wine, breast-cancer, natural-patches, a set of TensorFlow Datasets such as mnist, cifar10, "
    data += "celeb-a or lsun-tower (TFDS_DATA_DIR says where it is); or the path of a .csv, .parquet, .npy or .npz "
    data += "file, or of a folder of images"
    positive = option_types.positive_int
    add("--data", default="two-moons", help=data)
    add("--columns", type=option_types.names, metavar="A,B", help="columns of a file to model (default: all others)")
    add("--context", type=option_types.names, metavar="C", help="columns of a file to condition on (default: none)")
    add(
        "--labels",
        action=argparse.BooleanOptionalAction,
        help="the context of a file is class labels (default: a single column of text or whole numbers is); subfolders "
        "are classes (default: if there are any)",
    )
    add("--header", action=argparse.BooleanOptionalAction, default=True, help="a .csv starts with column names")
    add("--key", help="which array of an .npz is the table (default: the only one, or x)")
    add(
        "--images",
        action=argparse.BooleanOptionalAction,
        help="take digits as images rather than vectors (default: if the model takes only images)",
    )
    add(
        "--image-size",
        type=positive,
        metavar="N",
        help="cut and shrink the images of a folder to N x N (default: all must be of one size and stay as they are)",
    )
    add("--skip-bad-images", action="store_true", help="leave out unreadable images of a folder, naming them")
    add(
        "--conditional",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="condition on the labels or context of the data, when there are any",
    )
    add(
        "--num-train",
        type=positive,
        metavar="N",
        help="examples to draw from a toy density or to use of a published set (default: 200000 draws; of real data "
        "all that are in train)",
    )


def _add_training(add):
    positive = option_types.positive_int
    each = {
        name: f"{VECTORS[name]:g}, of images {IMAGES[name]:g}, of small ones {SMALL_IMAGES[name]:g}" for name in VECTORS
    }
    add(
        "--epochs",
        type=positive,
        metavar="N",
        help=f"passes over the data (default: for so many steps: {each['steps']}; at most {MOST_EPOCHS})",
    )
    add(
        "--batch-size",
        type=positive,
        metavar="N",
        help=f"examples per step (default: {each['batch_size']})",
    )
    add(
        "--learning-rate",
        type=option_types.positive_float,
        help=f"of Adam, falling to 0 as a cosine (default: {each['learning_rate']})",
    )
    add(
        "--patience",
        type=positive,
        metavar="N",
        help="epochs without a better validation loss after which training stops; the best epoch's weights are kept "
        f"(default: {VECTORS['patience']})",
    )


def _add_vectors(add):
    add(
        "--num-layers",
        type=option_types.positive_int,
        metavar="N",
        help="number of layers of the flow (default: real-nvp 8, the others 5)",
    )
    add(
        "--hidden-units",
        type=option_types.widths,
        metavar="N,N",
        help="widths of the hidden layers of each conditioner (default: 64,64; neural-spline-flow 128,128)",
    )
    add(
        "--kind",
        choices=("coupling", "autoregressive"),
        help="of neural-spline-flow: which layers (default: coupling)",
    )
    add("--bins", type=option_types.positive_int, metavar="N", help="of neural-spline-flow: of a spline (default: 8)")
    add(
        "--parallel",
        choices=("inverse", "forward"),
        help="of autoregressive-flow: what is fast, log-probabilities or samples (default: inverse)",
    )


def _add_images(add):
    positive = option_types.positive_int
    add(
        "--num-levels",
        type=positive,
        metavar="N",
        help="number of scales (default: real-nvp 2; glow 3, or fewer where sides do not halve so often, to no less "
        "than 2 pixels)",
    )
    add(
        "--steps-per-level",
        type=positive,
        metavar="N",
        help="of glow: steps of flow in each scale (default: 8)",
    )
    add(
        "--hidden-filters",
        type=positive,
        metavar="N",
        help="filters of the hidden layers of each network (default: real-nvp 32; glow 128, of small images 32)",
    )
    add(
        "--num-blocks",
        type=positive,
        metavar="N",
        help="of real-nvp: residual blocks of each network; of transformer-flow: blocks of each transformer (default: "
        "2)",
    )
    add(
        "--patch-size",
        type=positive,
        metavar="N",
        help="of transformer-flow: side of a patch in pixels (default: 4, of small images 2, or less if it must)",
    )
    add("--num-flows", type=positive, metavar="N", help="of transformer-flow: autoregressive layers (default: 4)")
    add(
        "--units",
        type=positive,
        metavar="N",
        help="of transformer-flow: width of each transformer (default: 128, of small images 64)",
    )
    add("--num-heads", type=positive, metavar="N", help="of transformer-flow: heads of attention (default: 4)")
    add("--coupling", choices=("affine", "additive"), help="of glow (default: affine)")
    add(
        "--preprocessing",
        choices=("scale", "logit"),
        help="of pixels before the flow (default: glow scale, real-nvp logit)",
    )
    add(
        "--dequantization",
        choices=("uniform", "variational"),
        help="the noise that makes reals of whole numbers; a variational one is learned (default: uniform)",
    )
    add("--num-bits", type=positive, metavar="N", help="bits that are kept of a pixel (default: all)")
    add(
        "--importance-draws",
        type=positive,
        metavar="K",
        help=f"draws of noise for the importance-weighted bound (default: {IMPORTANCE_DRAWS} with variational "
        "dequantization; without, no such bound)",
    )
    add(
        "--grids-every",
        type=positive,
        metavar="N",
        help="epochs between pictures of samples in RUN/progress (default: a tenth of all epochs)",
    )


def run(args, argv):
    """Trains; returns the exit code."""
    started = time.perf_counter()
    from tfflows.cli import run_folder, settings

    wanted, given = settings.of(args), _given(argv)
    folder = args.output or run_folder.default(wanted)
    if args.resume:
        wanted = settings.merged(run_folder.read_config(folder)["settings"], wanted, given, folder)
    else:
        run_folder.check_free(folder, overwrite=args.overwrite)

    from tfflows.cli import data, registry, report, training

    dataset = data.load(wanted)
    conditional = wanted["conditional"] and data.has_context(dataset)
    wanted = settings.completed(wanted, dataset)
    flow = registry.build(wanted, dataset, conditional=conditional)
    training.prepare(flow, dataset, wanted)
    config = settings.config(wanted, dataset, conditional=conditional)
    if args.resume:
        settings.check_same_data(run_folder.read_config(folder), config, folder)
    else:
        run_folder.create(folder, config, overwrite=args.overwrite)
    facts = training.train(flow, dataset, wanted, folder)
    report.write(flow, dataset, wanted, folder, facts, started=started)
    return 0


def _given(argv):
    """Names of the options that are on the command line, rather than left to their defaults."""
    absent = object()
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    names = vars(parser.parse_args([]))
    found, _ = parser.parse_known_args(argv, argparse.Namespace(**dict.fromkeys(names, absent)))
    return {name for name in names if getattr(found, name) is not absent}
