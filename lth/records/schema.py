"""The format of a study's records: every column of its two tables, with what it means.

This is the one place that says so: tables are checked against it whenever they are read, and `columns` lists it.
"""

from functools import partial

import numpy as np
import pandas as pd
import pandera.pandas as pa

KEYS = ["study", "recipe", "arm", "trial", "draw", "level"]
LOSSES = ["train_loss", "val_loss", "test_loss"]
DTYPES = {"text": str, "JSON": str, "whole number": int, "share": float, "number": float,
          "single-precision number": "float32", "list of whole numbers": None}  # fmt: skip
BOUNDS = {"whole number": pa.Check.ge(0), "share": pa.Check.in_range(0, 1)}
CLASSES: dict[str, type | tuple[type, ...]] = {"JSON": str, "list of whole numbers": (list, np.ndarray)}


def _column(word: str, meaning: str, nullable: bool = False, required: bool = True, unique: bool = False) -> pa.Column:
    """A column of that type; `nullable`: a run may have no value; not `required`: older tables lack the column."""
    dtype, checks = DTYPES[word], [BOUNDS[word]] if word in BOUNDS else []
    if nullable and word in CLASSES:  # where it is empty in every row it has no type, so each value is checked
        dtype, checks = None, [pa.Check(partial(_is_a, word), element_wise=True, error=f"must be {word}")]
    return pa.Column(
        dtype, checks, nullable=nullable, required=required, unique=unique, description=meaning, metadata={"type": word}
    )


def _is_a(word: str, value: object) -> bool:
    return isinstance(value, CLASSES[word])


_key_columns = {
    "study": _column("text", "name of the study"),
    "recipe": _column("text", "name of the recipe"),
    "arm": _column("text", "name of the arm: where mask and starting weights come from"),
    "trial": _column("whole number", "independent repetition, from 0"),
    "draw": _column("whole number", "which of several random draws of the arm within a trial, from 0"),
    "level": _column("whole number", "pruning rounds before; 0 is the dense network"),
}
CURVES = pa.DataFrameSchema(
    _key_columns
    | {
        "iteration": _column("whole number", "finished training steps"),
        "train_loss": _column("single-precision number", "mean loss of the steps since the last measurement; empty "
                              "where it was not a number", nullable=True),
        "train_acc": _column("share", "accuracy on a fixed part of the training images; measured less often, "
                             "empty elsewhere", nullable=True),
        "val_loss": _column("single-precision number", "loss on the validation images; empty where it was not a "
                            "number", nullable=True),
        "val_acc": _column("share", "accuracy on the validation images"),
        "test_loss": _column("single-precision number", "loss on the test images; empty where it was not a number",
                             nullable=True),
        "test_acc": _column("share", "accuracy on the test images"),
    },
    unique=[*KEYS, "iteration"],
)  # fmt: skip
RUNS = pa.DataFrameSchema(
    _key_columns
    | {
        "data": _column("text", "the data set, or the image copy that stands in for it"),
        "density": _column("share", "remaining over prunable weights"),
        "prunable": _column("JSON", "layer -> number of weights that may be pruned"),
        "remaining": _column("JSON", "layer -> number of weights that are left"),
        "early_stop_iteration": _column("whole number", "first iteration of the smallest validation loss"),
        "early_stop_val_loss": _column("number", "validation loss there"),
        "early_stop_test_acc": _column("share", "test accuracy there"),
        "final_test_acc": _column("share", "test accuracy after the last iteration"),
        "final_train_acc": _column("share", "accuracy on the fixed part of the training images after the last "
                                   "iteration"),
        "mask_sha256": _column("text", "SHA-256 of the mask"),
        "input_connections": _column("list of whole numbers", "remaining weights of each input of a fully connected "
                                     "first layer; empty for other networks, and where the mask is another run's",
                                     nullable=True),
        "start_histogram": _column("JSON", "layer -> how many remaining weights start in each of 64 bins from -4 to 4 "
                                   "standard deviations of Gaussian Glorot; empty where the mask is another run's",
                                   nullable=True),
        "drift": _column("JSON", "a row for each iteration that the recipe asks for: its number, and layer -> scale, "
                         "moved and cosine of the remaining weights against their start; empty where it asks for none",
                         nullable=True),
        "steps": _column("JSON", "a row for each iteration that the recipe asks for: its number, train_loss on a fixed "
                         "part of the training images and val_loss after it, and layer -> root mean square of the "
                         "change of the remaining weights in that one step; empty where it asks for none",
                         nullable=True, required=False),
        "wrong_test_images": _column("list of whole numbers", "positions of the test images that are put into a wrong "
                                     "class after the last iteration; empty where they were not kept",
                                     nullable=True, required=False),
        "spec": _column("JSON", "everything that determines the run: its recipe, arm, trial, draw, level, root seed "
                        "and engine as asked for"),
        "key": _column("text", "SHA-256 of the specification", unique=True),
        "engine": _column("text", "the program that trained it"),
        "device": _column("text", "cpu, or the name of the GPU"),
        "machine": _column("text", "the processor's name and architecture; of older runs the architecture only"),
        "seconds": _column("number", "wall time of the training; of runs side by side, each one's share"),
        "versions": _column("JSON", "versions of python, torch and numpy"),
        "commit": _column("text", "commit of this repository; empty outside of git"),
        "time": _column("text", "when it was finished, ISO 8601 in UTC"),
    },
    unique=KEYS,
)  # fmt: skip
TABLES = {"curves": CURVES, "runs": RUNS}


def columns() -> list[tuple[str, str, str, str]]:
    """Every column of the two tables: (table, column, type, meaning)."""
    return [
        (table, name, column.metadata["type"], column.description)
        for table, schema in TABLES.items()
        for name, column in schema.columns.items()
    ]


def filled(runs: pd.DataFrame) -> pd.DataFrame:
    """`runs` with an empty column for each that its table, being older, lacks."""
    later = [name for name, column in RUNS.columns.items() if not column.required and name not in runs]
    return runs.assign(**dict.fromkeys(later))
