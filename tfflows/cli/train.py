"""Train a flow by maximum likelihood and leave a run folder: config.json, log.csv, metrics.json, figures, model.keras
and saved_model/. Defaults of some options depend on the data; small images are those of up to 16 x 16 pixels."""

import time

from tfflows.cli import options, quiet
from tfflows.cli.run import Run

SUMMARY = "train a flow; without options, RealNVP on two moons"
OPTIONS = {**options.SETTINGS, "run folder": options.OF_THE_RUN}


def execute(args):
    """Trains; returns the exit code."""
    started = time.perf_counter()
    run = Run.start(args)

    quiet.load()
    from tfflows.cli import data, model, report, training

    data.load(run)
    model.build(run)
    run.begin()
    report.write(run, training.train(run), started=started)
    return 0
