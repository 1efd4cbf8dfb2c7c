"""Finished runs on disk: one safetensors file a run, named by the run's key, written whole or not at all."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from lth.errors import LthError
from lth.models import Masks, Weights
from lth.paths import make_dir, runs_dir
from lth.training import Moments


@dataclass(frozen=True)
class Finished:
    """What a run leaves: its record (curve, summary with provenance) and, for a chain to go on, its tensors."""

    summary: dict
    curve: dict[str, np.ndarray]
    weights: Weights = field(default_factory=dict, repr=False)
    rewound: Weights = field(default_factory=dict, repr=False)
    masks: Masks = field(default_factory=dict, repr=False)
    moments: Moments | None = field(default=None, repr=False)


GROUPS = ("weights", "rewound", "masks", "first", "second")


def path(key: str) -> Path:
    """Where the run of that key is kept."""
    return runs_dir() / f"{key}.safetensors"


def keys() -> set[str]:
    """The keys of all finished runs."""
    return {file.stem for file in runs_dir().glob("*.safetensors")}


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
    content = save(tensors, {"summary": summary, "sha256": _sha256(summary, tensors)})
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
    """The finished run of that key; only the tensors of `groups` are kept in memory. ValueError where it is corrupt."""
    try:
        with safe_open(path(key), "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    summary = metadata.get("summary", "")
    if metadata.get("sha256") != _sha256(summary, tensors) or json.loads(summary)["key"] != key:
        raise ValueError("its checksum does not match its content")
    parts = {group: _part(tensors, group) for group in ("curve", *groups)}
    curve = {name: value.numpy() for name, value in parts.pop("curve").items()}
    first, second = parts.pop("first", {}), parts.pop("second", {})
    moments = Moments(first, second, int(tensors["steps"])) if first else None
    return Finished(json.loads(summary), curve, **parts, moments=moments)


def read_or_set_aside(key: str, groups: Iterable[str] = GROUPS) -> tuple[Finished | None, str]:
    """The finished run, or None and a sentence that names the corrupt file, which is renamed out of the way."""
    try:
        return read(key, groups), ""
    except FileNotFoundError:
        return None, ""
    except ValueError as error:
        aside = path(key).with_suffix(".corrupt")
        path(key).replace(aside)
        return None, f"the kept run {path(key).name} is corrupt ({error}): now {aside.name}, to be computed again"


def verify(keys: Iterable[str]) -> list[str]:
    """Read the kept runs among `keys`; set aside those that are corrupt and name each in a sentence."""
    problems = (read_or_set_aside(key, groups=())[1] for key in keys)
    return [problem for problem in problems if problem]


def clean() -> None:
    """Delete what interrupted writes of processes that are gone have left behind."""
    for file in runs_dir().glob(".*.tmp"):
        process = file.name.split(".")[-2]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            file.unlink(missing_ok=True)


def _part(tensors: dict[str, torch.Tensor], group: str) -> dict[str, torch.Tensor]:
    """The tensors of one group by their own names."""
    return {name.removeprefix(f"{group}."): v for name, v in tensors.items() if name.startswith(f"{group}.")}


def _sha256(summary: str, tensors: dict[str, torch.Tensor]) -> str:
    """A checksum of the summary and of every tensor's name and bytes."""
    total = hashlib.sha256(summary.encode())
    for name in sorted(tensors):
        total.update(name.encode() + tensors[name].numpy().tobytes())
    return total.hexdigest()
