"""What the command line knows without TensorFlow: names of models and data, and what is taken if nothing is given."""

import collections
import math

VECTORS, IMAGES = "vectors", "images"
REAL_NVP, GLOW, TRANSFORMER = "real-nvp", "glow", "transformer-flow"
AUTOREGRESSIVE, SPLINE = "autoregressive-flow", "neural-spline-flow"
MODELS = {  # name: class in `tfflows.models`, what its events may be
    REAL_NVP: ("RealNVP", (VECTORS, IMAGES)),
    GLOW: ("Glow", (IMAGES,)),
    TRANSFORMER: ("TransformerFlow", (IMAGES,)),
    AUTOREGRESSIVE: ("AutoregressiveFlow", (VECTORS,)),
    SPLINE: ("NeuralSplineFlow", (VECTORS,)),
}

TOY, SMALL_TABLE, TABLE = "a toy density", "a small table", "a table from a file"
DIGITS, PATCHES, PUBLISHED, FOLDER = "digits", "natural-patches", "a published set", "a folder of images"
FROM_USERS = (TABLE, FOLDER)
EVENTS = {  # of each source of data
    **dict.fromkeys((TOY, SMALL_TABLE, TABLE), (VECTORS,)),
    DIGITS: (VECTORS, IMAGES),
    **dict.fromkeys((PATCHES, PUBLISHED, FOLDER), (IMAGES,)),
}
DATA = {  # name: source
    **dict.fromkeys("two-moons eight-gaussians rings checkerboard pinwheel two-spirals swiss-roll".split(), TOY),
    **dict.fromkeys("banana funnel gaussian-grid rotated-mixture energy-1 energy-2 energy-3 energy-4".split(), TOY),
    **{"digits": DIGITS, "wine": SMALL_TABLE, "breast-cancer": SMALL_TABLE, "natural-patches": PATCHES},
    **dict.fromkeys("mnist fashion-mnist omniglot cifar10 cifar100 svhn-cropped celeb-a".split(), PUBLISHED),
    **dict.fromkeys("downsampled-imagenet-32x32 downsampled-imagenet-64x64".split(), PUBLISHED),
    **dict.fromkeys("imagenet-resized-32x32 imagenet-resized-64x64".split(), PUBLISHED),
    **dict.fromkeys("lsun-bedroom lsun-tower lsun-church-outdoor".split(), PUBLISHED),
}
FILES = (".csv", ".parquet", ".npy", ".npz")

NUM_TRAIN = 200_000  # of toy densities: 8 layers of 64 x 64 memorise some of 50,000
SMALL_SIDE = 16  # images of so many pixels and fewer
MOST_EPOCHS, IMPORTANCE_DRAWS, NOISE_DRAWS = 500, 16, 8
NUM_SAMPLES, NUM_IN_A_PICTURE = 1_000, 100

# What defaults depend on: the shape of an event, the number of examples, the settings decided so far.
Case = collections.namedtuple("Case", "shape num_train settings")
# A default that a function of the case decides, or that is left to others (None), and what the help says of it.
Rule = collections.namedtuple("Rule", "text decide", defaults=(lambda case: None,))


def by_size(small, large):
    """One default for small images, one for others."""
    return Rule(f"{large:g}, of small images {small:g}", lambda case: small if _is_small(case) else large)


def by_events(vectors, images, small):
    """One default for vectors, one for images, one for small images."""
    of_images = by_size(small, images)
    text = f"{vectors:g}, of images {images:g}, of small ones {small:g}"
    return Rule(text, lambda case: vectors if len(case.shape) == 1 else of_images.decide(case))


def _is_small(case):
    return max(case.shape[:2]) <= SMALL_SIDE


def _epochs(case):
    per_epoch = math.ceil(case.num_train / case.settings["batch_size"])
    return min(MOST_EPOCHS, math.ceil(_STEPS.decide(case) / per_epoch))


def _levels(case):
    """As many as halve both sides evenly and leave at least 2 pixels, 3 at most."""
    fits = [n for n in (1, 2, 3) if all(side % 2**n == 0 and side // 2**n >= 2 for side in case.shape[:2])]
    return max(fits, default=1)


def _patch_size(case):
    """A side of patches that divides both sides of the image: 2 pixels of small images, 4 of others, or less."""
    most = 2 if _is_small(case) else 4
    return next(n for n in (4, 2, 1) if n <= most and all(side % n == 0 for side in case.shape[:2]))


def _importance(case):
    return IMPORTANCE_DRAWS if case.settings["dequantization"] == "variational" else None


_STEPS = by_events(5_000, 2_000, 1_000)
EPOCHS = Rule(f"for so many steps: {_STEPS.text}; at most {MOST_EPOCHS}", _epochs)
LEVELS = Rule("3, or fewer where sides do not halve so often, to no less than 2 pixels", _levels)
PATCH_SIZE = Rule("4, of small images 2, or less if it must", _patch_size)
GRIDS_EVERY = Rule("a tenth of all epochs", lambda case: max(1, case.settings["epochs"] // 10))
IMPORTANCE = Rule(f"{IMPORTANCE_DRAWS} with variational dequantization; without, no such bound", _importance)
LABELS = Rule("a single column of text or whole numbers is class labels, subfolders are classes")
SIZE = Rule(f"{NUM_TRAIN} draws; of real data all that are in train")
IN_A_PICTURE = Rule(f"{NUM_SAMPLES}, {NUM_IN_A_PICTURE} in a picture")
SAME_SIZE = Rule("all must be of one size and stay as they are")
