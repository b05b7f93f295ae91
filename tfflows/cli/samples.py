"""What samples are drawn given, and the files they are written to."""

import csv

import numpy as np

_COLUMNS = 10  # of a picture


def contexts(value, known, count, seed):
    """One context per sample, or `None`: `value` read, or drawn as often as config.json says of the data, `known`."""
    if not known["conditional"]:
        if value is not None:
            raise ValueError(f"The flow of this run takes no context. Received: --context-value {value}")
        return None
    names = known["class_names"]
    if names is None:
        return np.tile(_values(value, known), (count, 1))
    if value is None:
        counts = np.array(known["class_counts"] or [1] * len(names), float)  # a stream's are not counted
        return np.random.default_rng(seed).choice(len(names), size=count, p=counts / counts.sum()).astype(np.int32)
    if value not in names:
        raise ValueError(f"--context-value must be a class: {', '.join(names)}. Received: {value!r}")
    return np.full([count], names.index(value), np.int32)


def _values(value, known):
    """The values `[C]` that are asked for, text as ones and zeros for its classes."""
    table = known.get("table") or {}
    classes, parts = table.get("classes") or {}, next(csv.reader([value or ""], skipinitialspace=True), [""])
    names = table.get("context") or [f"value {i + 1}" for i in range(known["context_size"])]
    found, wanted = [], f"{len(names)} finite numbers"
    if classes:
        wanted = "; ".join(f"{name} ({', '.join(classes[name]) if name in classes else 'a number'})" for name in names)
    try:
        for part, name in zip(parts, names, strict=True):
            found += [float(part == each) for each in classes[name]] if name in classes else [float(part)]
            if name in classes and part not in classes[name]:
                raise ValueError(part)
    except ValueError:
        found = [np.nan]
    if not np.isfinite(found).all():
        raise ValueError(f"--context-value must be, between commas, {wanted}. Received: {value!r}")
    return np.array(found, np.float64)


def write(path, flow, known, count, *, context, **options):
    """Draws samples and writes them: a .png of images side by side, a .npy array, or a .csv or .parquet table.

    A table, and an array of samples like those of a file, has the file's columns and dtypes. `known` is what
    config.json says of the data, `context` is of `contexts`, `options` are those of `FlowModel.sample`.
    """
    kind, levels = path.suffix.lower(), known["discrete_levels"]
    if kind == ".png" and context is not None:
        context = np.sort(context)  # one class after the other
    samples = np.asarray(flow.sample(count, context=context, **options))
    if levels is not None and samples.dtype.kind == "f":
        samples = np.clip(np.floor(samples), 0, levels - 1).astype(np.int32)
    table = known.get("table")  # which a run of before does not have
    if kind == ".png":
        _picture(path, samples, levels)
    elif kind == ".npy" and not table:
        np.save(path, samples)
    else:
        _table(path, samples, known, context, table)


def _picture(path, samples, levels):
    import keras

    from tfflows.ops import grids

    keras.utils.array_to_img(grids.picture(samples, 0, levels - 1, _COLUMNS), scale=False).save(path)


def _table(path, samples, known, context, table):
    from tfflows.datasets.tables import rows

    columns, table = known["columns"], table and rows.FileColumns(**table)
    found = rows.frame(samples, columns, context=context, class_names=known["class_names"], table=table)
    if path.suffix.lower() == ".npy":
        kinds = (getattr(dtype, "numpy_dtype", dtype) for dtype in found[columns].dtypes)
        arrays = [found[name].to_numpy(kind) for name, kind in zip(columns, kinds, strict=True)]
        return np.save(path, np.stack(arrays, axis=1))
    if path.suffix.lower() == ".parquet":
        return found.to_parquet(path, index=False)
    digits = 9 if samples.dtype == np.float32 else 17  # as many as read back the same number
    header = table is None or table.header
    found.to_csv(path, index=False, header=header, float_format=f"%.{digits}g", na_rep="nan", lineterminator="\r\n")
