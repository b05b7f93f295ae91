"""Image files in a folder: which there are, and the pixels of one."""

import os
import pathlib

import numpy as np

EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_GREY = ("1", "L", "LA", "La")
_DEEP = ("I", "F")  # and "I;16", ...: more than 8 bits a channel


def find(folder, labelled=None):
    """The images of a folder, in the order of their names.

    Args:
      folder: path; hidden files and folders are passed over.
      labelled: whether its subfolders are classes; `None` if it has any that hold images. Images of a class may lie in
        folders of their own. When it is false, all images below the folder are found.

    Returns:
      Paths relative to the folder, a list; labels, an int32 array that numbers the classes in the order of their names,
      or `None`; the names of the classes, a tuple, or `None`.

    Raises:
      ValueError: if there is no such folder, no image in it, an image beside the class folders, or a class without one.
    """
    folder = pathlib.Path(folder)
    if not folder.is_dir():
        kind = "is a file" if folder.exists() else "does not exist"
        raise ValueError(f"A folder of images is needed. Received: {str(folder)!r}, which {kind}")
    paths, others = [], 0
    for place, subfolders, names in os.walk(folder):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in names:
            if not name.startswith(".") and name.lower().endswith(EXTENSIONS):
                paths.append(pathlib.Path(place, name).relative_to(folder))
            else:
                others += 1
    if not paths:
        raise ValueError(
            f"A folder must hold images ({', '.join(EXTENSIONS)}). Received: {str(folder)!r} with none, and {others} "
            "other files"
        )
    paths.sort(key=lambda path: path.as_posix())
    classes = sorted({path.parts[0] for path in paths if len(path.parts) > 1})
    if labelled is None:
        labelled = bool(classes)
    if not labelled:
        return paths, None, None
    loose = [path.name for path in paths if len(path.parts) == 1]
    subfolders = {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
    empty = sorted(subfolders - set(classes))
    if loose or empty:
        what = f"{len(loose)} images beside them, the first {loose[0]!r}" if loose else f"no image in {empty}"
        raise ValueError(
            "Subfolders are classes: each must hold an image, each image must be in one; pass labelled=False to use "
            f"all images without labels. Received: {str(folder)!r} with {what}"
        )
    number = {name: label for label, name in enumerate(classes)}
    return paths, np.array([number[path.parts[0]] for path in paths], np.int32), tuple(classes)


def read(path, channels=None, image_size=None):
    """The pixels of one image file, upright as its EXIF orientation says.

    Args:
      path: of the file.
      channels: 1 for luminance, 3 for RGB, or `None` for what the file holds.
      image_size: `(height, width)` to bring it to: cut to that aspect around the middle, then averaged over areas.
        `None` leaves the size.

    Returns:
      uint8 array `[height, width, 1 or 3]`.

    Raises:
      ValueError: if the file is missing, corrupt, has more than 8 bits a channel, several frames, or transparent
        pixels, whose colour is not known; the message is the reason only.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as image:
            if (frames := getattr(image, "n_frames", 1)) > 1:
                raise ValueError(f"{frames} frames")
            # Pillow reads 16 bits in colour as their upper 8, of which only the codec's arguments tell.
            if image.mode.startswith(_DEEP) or any(";16" in str(tile.args) for tile in image.tile):
                raise ValueError(f"more than 8 bits a channel (mode {image.mode})")
            image.load()
            if image.has_transparency_data and image.convert("RGBA").getchannel("A").getextrema()[0] < 255:
                raise ValueError("transparent pixels")
            image = ImageOps.exif_transpose(image)
            if channels is None:
                channels = 1 if image.mode in _GREY else 3
            image = image.convert("L" if channels == 1 else "RGB")
            if image_size is not None:
                image = ImageOps.fit(image, tuple(image_size)[::-1], method=Image.Resampling.BOX)
            return np.asarray(image).reshape(image.height, image.width, channels)
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, IndexError, ... on corrupt files
        raise ValueError(f"{type(error).__name__}: {error}" if not isinstance(error, ValueError) else error) from error
