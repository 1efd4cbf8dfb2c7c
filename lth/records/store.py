"""Finished runs with their tensors: one safetensors file a run, named by the run's key, written whole or not at all."""

import json
import os
from collections.abc import Iterable

import numpy as np
import torch
from safetensors.torch import save

from lth.errors import LthError
from lth.paths import make_dir
from lth.records.finished import Finished
from lth.records.kept import clean, keys, load, path, set_aside, sha256, verify
from lth.training import Moments

__all__ = ["GROUPS", "Finished", "clean", "keys", "path", "read", "read_or_set_aside", "verify", "write"]


GROUPS = ("weights", "rewound", "masks", "first", "second")


def write(finished: Finished) -> None:
    """Keep a finished run: written aside, flushed to disk, renamed."""
    tensors = {f"curve.{name}": torch.from_numpy(column) for name, column in finished.curve.items()}
    groups = {"weights": finished.weights, "rewound": finished.rewound, "masks": finished.masks}
    if finished.moments:
        groups |= {"first": finished.moments.first, "second": finished.moments.second}
        tensors["steps"] = torch.tensor(finished.moments.steps)
    for group, values in groups.items():
        tensors |= {f"{group}.{name}": value.contiguous() for name, value in values.items()}
    summary = json.dumps(finished.summary)
    arrays = {name: tensor.numpy() for name, tensor in tensors.items()}
    content = save(tensors, {"summary": summary, "sha256": sha256(summary, arrays)})
    target = path(finished.summary["key"])
    aside = make_dir(target.parent) / f".{target.stem}.{os.getpid()}.tmp"
    try:
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(target)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise LthError(f"cannot keep a finished run in {target.parent}: {error.strerror}") from error


def read(key: str, groups: Iterable[str] = GROUPS) -> Finished:
    """The finished run of that key; only the tensors of `groups` are kept in memory.

    FileNotFoundError where there is none; ValueError or OSError where it is corrupt or cannot be opened.
    """
    summary, arrays = load(key)
    curve = _part(arrays, "curve")
    tensors = {group: {n: torch.from_numpy(a) for n, a in _part(arrays, group).items()} for group in groups}
    first, second = tensors.pop("first", {}), tensors.pop("second", {})
    moments = Moments(first, second, int(arrays["steps"])) if first else None
    return Finished(summary, curve, **tensors, moments=moments)


def read_or_set_aside(key: str, groups: Iterable[str] = GROUPS) -> tuple[Finished | None, str]:
    """The finished run, or None and a sentence that names the file, which is renamed out of the way if it is bad."""
    try:
        return read(key, groups), ""
    except FileNotFoundError:
        return None, ""
    except (ValueError, OSError) as error:
        return None, set_aside(key, error)


def _part(arrays: dict[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """The arrays of one group by their own names."""
    return {name.removeprefix(f"{group}."): a for name, a in arrays.items() if name.startswith(f"{group}.")}
