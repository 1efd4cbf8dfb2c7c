"""What the cells of a row of `runs` hold: whether it is what its columns promise, and fits the rest of the row."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime

import numpy as np

from lth.arms import ARMS

BINS = 64  # of start_histogram
SHA256 = re.compile("[0-9a-f]{64}")


def named(row: Mapping) -> str:
    """How messages name the run of a row."""
    return "{recipe}, {arm}, trial {trial}, draw {draw}, level {level}".format(**row)


def check_identity(row: Mapping, spec: Mapping) -> None:
    """ValueError unless the row's specification (`spec`, parsed) has the row's key, recipe, arm, trial, draw and level.

    An arm of one's own is described in the specification.
    """
    if hashlib.sha256(row["spec"].encode()).hexdigest() != row["key"]:
        raise ValueError(f"the key of {named(row)} is not the SHA-256 of its specification")
    for name in ("arm", "trial", "draw", "level"):
        if spec[name] != row[name]:
            raise ValueError(f"{named(row)} has {spec[name]!r} for {name} in its specification")
    if spec["recipe"]["name"] != row["recipe"]:
        raise ValueError(f"{named(row)} has the recipe {spec['recipe']['name']!r} in its specification")
    if row["arm"] not in ARMS and "arm_is" not in spec:
        raise ValueError(f"{row['arm']!r} is no arm: choose one of {', '.join(ARMS)}")


def check(row: Mapping) -> None:
    """ValueError, naming the run and the column, unless everything that the row's cells hold fits together."""
    spec = json.loads(row["spec"])
    check_identity(row, spec)
    for name, check_cell in CHECKS.items():
        try:
            problem = check_cell(row, spec)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            problem = f"cannot be read ({type(error).__name__}: {error})"
        if problem:
            raise ValueError(f"{name} of {named(row)} {problem}")


def _prunable(row: Mapping, spec: Mapping) -> str | None:
    counts = json.loads(row["prunable"])
    return None if counts and all(map(_positive, counts.values())) else "must give every layer a count above 0"


def _remaining(row: Mapping, spec: Mapping) -> str | None:
    prunable, remaining = json.loads(row["prunable"]), json.loads(row["remaining"])
    if list(remaining) != list(prunable):
        return "must name the layers of prunable"
    if not all(_whole(left) and left <= prunable[layer] for layer, left in remaining.items()):
        return "must lie between 0 and prunable in every layer"
    return None


def _density(row: Mapping, spec: Mapping) -> str | None:
    remaining, prunable = (sum(json.loads(row[name]).values()) for name in ("remaining", "prunable"))
    return None if row["density"] == remaining / prunable else f"must be {remaining} / {prunable}"


def _input_connections(row: Mapping, spec: Mapping) -> str | None:
    counts = row["input_connections"]
    if _empty(counts):
        return None
    left = next(iter(json.loads(row["remaining"]).values()))
    return None if all(map(_whole, counts)) and sum(counts) == left else f"must sum to the first layer's {left} weights"


def _start_histogram(row: Mapping, spec: Mapping) -> str | None:
    if _empty(row["start_histogram"]):
        return None
    remaining = json.loads(row["remaining"])
    for layer, counts in json.loads(row["start_histogram"]).items():
        if len(counts) != BINS or not all(map(_whole, counts)) or sum(counts) != remaining[layer]:
            return f"must have {BINS} bins that sum to the {remaining[layer]} weights of {layer}"
    return None


def _drift(row: Mapping, spec: Mapping) -> str | None:
    rows = [] if _empty(row["drift"]) else json.loads(row["drift"])
    wanted = [i for i in spec["recipe"].get("drift_at", ()) if i <= spec["recipe"]["iterations"]]
    if [moment["iteration"] for moment in rows] != wanted:
        return f"must have the iterations {wanted}"
    layers = [values for moment in rows for name, values in moment.items() if name != "iteration"]
    measures = {"scale", "moved", "cosine"}
    if not all(values.keys() == measures and all(map(_number, values.values())) for values in layers):
        return "must give every layer a scale, a moved and a cosine"
    return None


def _steps(row: Mapping, spec: Mapping) -> str | None:
    text = row.get("steps")
    rows = [] if text is None or _empty(text) else json.loads(text)
    wanted = [i for i in spec["recipe"].get("steps_at", ()) if i <= spec["recipe"]["iterations"]]
    if [moment["iteration"] for moment in rows] != wanted:
        return f"must have the iterations {wanted}"
    needed = {"iteration", "train_loss", "val_loss"}
    if not all(needed < moment.keys() and all(map(_number, moment.values())) for moment in rows):
        return "must give a train_loss, a val_loss and a number for every layer"
    return None


def _wrong_test_images(row: Mapping, spec: Mapping) -> str | None:
    places = row.get("wrong_test_images")
    if places is None or _empty(places):
        return None
    rising = all(map(_whole, places)) and bool(np.all(np.diff(places) > 0))
    return None if rising else "must be whole numbers in rising order"


def _spec(row: Mapping, spec: Mapping) -> str | None:
    lacking = {"root_seed", "engine"} - spec.keys()
    return f"lacks {', '.join(sorted(lacking))}" if lacking else None


def _mask_sha256(row: Mapping, spec: Mapping) -> str | None:
    return None if SHA256.fullmatch(row["mask_sha256"]) else "must be 64 hexadecimal digits"


def _versions(row: Mapping, spec: Mapping) -> str | None:
    versions = json.loads(row["versions"])
    known = {"python", "torch", "numpy"} <= versions.keys() and all(isinstance(v, str) for v in versions.values())
    return None if known else "must name those of python, torch and numpy"


def _seconds(row: Mapping, spec: Mapping) -> str | None:
    return None if row["seconds"] >= 0 else f"must be at least 0, not {row['seconds']}"


def _time(row: Mapping, spec: Mapping) -> str | None:
    return None if datetime.fromisoformat(row["time"]).tzinfo else "must say its time zone"


CHECKS = {
    "prunable": _prunable,
    "remaining": _remaining,
    "density": _density,
    "input_connections": _input_connections,
    "start_histogram": _start_histogram,
    "drift": _drift,
    "steps": _steps,
    "wrong_test_images": _wrong_test_images,
    "spec": _spec,
    "mask_sha256": _mask_sha256,
    "versions": _versions,
    "seconds": _seconds,
    "time": _time,
}


def _empty(value: object) -> bool:
    """Whether a cell is empty: None, or NaN as pandas has it."""
    return value is None or (isinstance(value, float) and np.isnan(value))


def _whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 0)


def _positive(value: object) -> bool:
    return _whole(value) and value != 0


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
