"""The pages of `tfflows evaluate` and `tfflows doctor`: whole, of one file, and as a browser shows them."""

import base64
import html.parser
import io
import json
import pathlib
import shutil
import subprocess

import numpy as np
import pytest
import sklearn.metrics
from PIL import Image

from tfflows import datasets, models
from tfflows.cli.main import main
from tfflows.cli.page import Page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
EMPTY = {"meta", "img", "br"}


class Reader(html.parser.HTMLParser):
    """Reads a page: every tag closed in order, pictures decoded, text kept."""

    def __init__(self, path):
        super().__init__()
        self.open, self.pictures, self.text, self.tags = [], {}, "", set()
        self.feed(pathlib.Path(path).read_text(encoding="utf-8"))
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        if tag not in EMPTY:
            self.open.append(tag)
        assert "href" not in attributes
        if tag == "img":
            kind, data = attributes["src"].split(",")
            assert kind == "data:image/png;base64"
            picture = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
            picture.load()
            assert min(picture.size) > 50
            self.pictures[attributes["alt"]] = picture.size

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def _run(*argv):
    return main(list(map(str, argv)))


@pytest.fixture(scope="module")
def judged(glow_digits, tmp_path_factory):
    """The run folder of a Glow of digits after both commands, and the exit code of the second."""
    folder = shutil.copytree(glow_digits, tmp_path_factory.mktemp("judged") / "run")
    assert _run("evaluate", folder, "--noise-draws", 1) == 0
    return folder, _run("doctor", folder, "--num-examples", 60)


def test_a_run_of_images_has_a_page_of_all_it_is_worth(judged):
    folder, _ = judged
    found, page = json.loads((folder / "evaluate.json").read_text()), Reader(folder / "evaluate.html")
    assert list(page.pictures) == [
        "histograms: digits, test, digits, train",
        "images: the most likely above, the least likely below",
        "test data and samples",
        "interpolations between test images",
        "samples given the class",
        "training and validation loss by epoch",
    ]
    assert f"{found['bits_per_dim']:.4f}" in page.text and "script" not in page.tags
    assert "against" not in found


def test_the_doctor_writes_a_page_and_json(judged):
    folder, code = judged
    facts, page = json.loads((folder / "doctor.json").read_text()), Reader(folder / "doctor.html")
    assert code == (0 if facts["healthy"] else 1) and facts["examples"] == 60 and facts["data"] == "digits"
    assert {each["name"] for each in facts["findings"]} <= {"latents unlike the base"}  # after three epochs
    assert set(page.pictures) == {"errors of round trips and log-dets by layer", "latents against the standard normal"}
    assert all(row["layer"] in page.text for row in facts["layers"])


def test_the_doctor_finds_what_is_wrong_with_a_run(moons, tmp_path, capsys):
    folder = shutil.copytree(moons, tmp_path / "run")
    flow = models.load_model(folder / "model.keras")
    last = flow.bijector.bijectors[1].conditioner.dense[-1]
    last.bias.assign(np.nan * last.bias.numpy())
    flow.save(folder / "model.keras")
    assert _run("doctor", folder, "--split", "validation", "--num-examples", 50) == 1
    assert "error: not finite, in coupling_0" in capsys.readouterr().out
    assert json.loads((folder / "doctor.json").read_text())["findings"][0]["layer"] == "coupling_0"
    assert "errornot finitecoupling_0" in Reader(folder / "doctor.html").text  # a row


def test_told_from_other_data(moons, tmp_path, capsys):
    """The area is scikit-learn's of scores that `tfflows score` writes, for the same examples."""
    folder = shutil.copytree(moons, tmp_path / "run")
    rows = (np.random.default_rng(0).normal(size=(300, 2)) * 3).astype("float32")
    np.savetxt(tmp_path / "others.csv", rows, "%.9g", delimiter=",", header="x1,x2", comments="")
    assert _run("evaluate", folder, "--against", tmp_path / "others.csv") == 0
    out = capsys.readouterr().out
    found, page = json.loads((folder / "evaluate.json").read_text()), Reader(folder / "evaluate.html")
    assert found["num_against"] == 300 and found["against"] == "others, test"
    flow = models.load_model(folder / "model.keras")
    test = datasets.load("two-moons", num_train=1000, seed=0).test[:10_000]
    scores = -np.concatenate([flow.log_prob(test), flow.log_prob(rows)])
    expected = sklearn.metrics.roc_auc_score(np.repeat([0, 1], [len(test), 300]), scores)
    assert abs(found["against_auroc"] - expected) < 1e-4 and f"AUROC of the likelihood {expected:.3f}" in out
    assert f"receiver operating characteristic: AUROC {found['against_auroc']:.4f}" in page.pictures
    assert {"test data and samples", "latents of the test data", "density"} <= set(page.pictures)
    assert _run("evaluate", folder, "--split", "train", "--seed", 5) == 0  # other rows of training than the run's
    page = Reader(folder / "evaluate.html")
    assert "histograms: two_moons, train, two_moons, train (of the run)" in page.pictures
    assert _run("evaluate", folder, "--against", "wine") == 2
    assert _run("evaluate", folder, "--against", "moonz") == 2
    assert "Examples of shape [2]" in (err := capsys.readouterr().err) and "Unknown data set" in err


def test_text_is_text(tmp_path):
    page = Page("a < b & 'c'")
    page.table(["<th>"], [["<script>alert(1)</script>", 1.5, 3, None]])
    page.text("x > y", note=True)
    page.write(tmp_path / "page.html")
    read = Reader(tmp_path / "page.html")
    assert "<script>alert(1)</script>" in read.text and "script" not in read.tags and "x > y" in read.text


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here: apt-get install chromium")
def test_a_browser_shows_it_without_errors(judged, tmp_path):
    """No script error, no missing picture: a script of the test's own counts, where the page has none."""
    probe = (
        "<script>window.onload = () => { const all = [...document.images]; document.title = 'pictures ' + all.length"
        " + ', missing ' + all.filter(i => !i.complete || !i.naturalWidth).length; }</script></body>"
    )
    for name, count in (("evaluate", 6), ("doctor", 2)):
        text = (judged[0] / f"{name}.html").read_text(encoding="utf-8")
        (tmp_path / f"{name}.html").write_text(text.replace("</body>", probe), encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
        place = f"--user-data-dir={tmp_path / 'profile'}"
        command = [BROWSER, *options, place, "--virtual-time-budget=5000", f"file://{tmp_path / name}.html"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=180)
        assert f"<title>pictures {count}, missing 0</title>" in shown.stdout
        assert "CONSOLE" not in shown.stderr, shown.stderr
