"""Train two flows and export them with a card each: what saved_models/ holds.

python examples/export_saved_models.py [--output saved_models] [--only digits_glow] [--fast]

Each folder has a SavedModel, which any TensorFlow program loads without tfflows, and card.json: the command that
trained it, the data, the settings, the versions, the metrics, and inputs with the answers that the model gives.
"""

import argparse
import json
import pathlib
import shutil
import tempfile

import numpy as np

import tfflows
from tfflows.cli.main import main as command_line

MODELS = {
    "digits_glow": ["--model", "glow", "--data", "digits", "--dequantization", "variational"],
    "two_moons_real_nvp": ["--model", "real-nvp", "--data", "two-moons"],
}
FAST = {
    "digits_glow": ["--epochs", "1", "--num-levels", "1", "--steps-per-level", "1", "--hidden-filters", "4",
                    "--importance-draws", "2", "--dequantization", "uniform"],
    "two_moons_real_nvp": ["--epochs", "1", "--num-train", "2000", "--num-layers", "2", "--hidden-units", "8"],
}  # fmt: skip
COUNT, SEED, TEMPERATURE = 3, 1, 0.8  # of the reference examples and samples


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=pathlib.Path, default="saved_models")
    parser.add_argument("--only", choices=MODELS, help="one of the two (default: both)")
    parser.add_argument("--fast", action="store_true", help="small models, a few steps")
    options = parser.parse_args()
    for name in [options.only] if options.only else MODELS:
        card = export(name, options.output / name, fast=options.fast)
        print(f"{name}: test log-probability of {-card['metrics']['test_nats']:.4f} nats")


def export(name, folder, *, fast):
    """Trains by the command line, then writes the SavedModel and its card; returns the card."""
    arguments = ["train", *MODELS[name], *(FAST[name] if fast else [])]
    with tempfile.TemporaryDirectory() as place:
        run = pathlib.Path(place) / "run"
        if command_line([*arguments, "--output", str(run)]) != 0:
            raise SystemExit(1)
        config = json.loads((run / "config.json").read_text())
        flow = tfflows.models.load_model(run / "model.keras")
        card = {
            "name": name,
            "command": " ".join(["tfflows", *arguments]),
            "data": config["data"],
            "seed": config["settings"]["seed"],
            "settings": config["settings"],
            "versions": config["versions"],
            "num_weights": flow.count_params(),
            "metrics": json.loads((run / "metrics.json").read_text()),
            "reference": reference(flow, config["settings"]["data"]),
        }
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run / "saved_model", folder)
    (folder / "card.json").write_text(json.dumps(card, indent=1) + "\n")
    return card


def reference(flow, data):
    """Inputs and answers of the flow that was exported: by endpoint, its arguments and its result."""
    images = len(flow.event_shape) == 3
    dataset = tfflows.datasets.load(data, **({"as_images": True} if images else {"num_test": COUNT}))
    x = dataset.test[:COUNT]
    context = dataset.context_test[:COUNT] if flow.conditional else None
    given = {} if context is None else {"context": context.tolist()}
    y = x
    answers = {}
    if flow.dequantization is not None:
        y = np.asarray(flow.dequantization(x, seed=SEED)[0])
        discrete = {"x": x.tolist(), "seed": [0, SEED], **given}
        answers["discrete_log_prob"] = {"inputs": discrete, "output": listed(flow.log_prob(x, context, seed=SEED))}
    z = np.asarray(flow.encode(y, context))
    drawn = {"n": COUNT, "seed": [0, SEED], "temperature": TEMPERATURE, **given}
    samples = flow.sample(COUNT, context=context, seed=SEED, temperature=TEMPERATURE)
    return {
        **answers,
        "log_prob": {"inputs": {"x": listed(y), **given}, "output": listed(flow.log_prob(y, context))},
        "inverse": {"inputs": {"x": listed(y), **given}, "output": listed(z)},
        "forward": {"inputs": {"z": listed(z), **given}, "output": listed(y)},
        "sample": {"inputs": drawn, "output": listed(samples)},
    }


def listed(values):
    """Numbers as JSON holds them; float32 in as few digits as read back the same."""
    values = np.asarray(values)
    if values.dtype.kind == "f":
        return [listed(row) for row in values] if values.ndim else float(str(values))
    return values.tolist()


if __name__ == "__main__":
    main()
