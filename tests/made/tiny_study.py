"""A study of seconds on the tiny MNIST. Run as a script, this is the command `lth` with that study and that data."""

import hashlib
import signal
from dataclasses import replace
from pathlib import Path

from tiny import TEST, TRAIN

from lth.datasets import catalogue
from lth.recipes import RECIPES
from lth.studies.catalogue import STUDIES
from lth.studies.study import Grid, Study

SCRIPT = Path(__file__)
TINY = replace(
    RECIPES["lenet"],
    name="tiny",
    batch_size=20,
    iterations=10,
    validation_size=40,
    eval_every=4,
    train_eval_every=8,
    train_eval_size=50,
)
STUDY = Study("tiny", (TINY,), (Grid({"ticket": 1, "reinit": 1}, 1),), 2, engine="stacked")


def install() -> None:
    """Make "mnist" mean the tiny files that lie in the data folder, and "tiny" a study.

    The workers of Dask import the script that started them, so they do the same.
    """
    names = [name for name, _ in catalogue.MNIST.files]
    contents = [path.read_bytes() if path.is_file() else b"" for path in (catalogue.MNIST.path / n for n in names)]
    files = tuple((name, hashlib.md5(content).hexdigest()) for name, content in zip(names, contents, strict=True))
    catalogue.DATA_SETS["mnist"] = replace(catalogue.MNIST, files=files, sizes=(TRAIN, TEST))
    STUDIES["tiny"] = STUDY


if __name__ in ("__main__", "__mp_main__"):
    install()
if __name__ == "__main__":
    from lth.cli import main

    # As at a terminal: a shell that runs the tests in its background has them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main()
