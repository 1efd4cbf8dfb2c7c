"""Finished runs as files that are read without PyTorch: which there are, what they say, whether they are whole.

A run is one safetensors file, named by the run's key; lth.records.store writes it and gives back its tensors.
"""

import hashlib
import itertools
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from lth.errors import LthError
from lth.paths import check_file, runs_dir


def path(key: str) -> Path:
    """Where the run of that key is kept."""
    return runs_dir() / f"{key}.safetensors"


def keys() -> set[str]:
    """The keys of all runs that are kept."""
    return {file.stem for file in runs_dir().glob("*.safetensors")}


def load(key: str) -> tuple[dict, dict[str, np.ndarray]]:
    """The summary and the arrays of the kept run of that key.

    FileNotFoundError where there is none; ValueError or OSError where it is corrupt or cannot be opened.
    """
    if not os.path.lexists(path(key)):
        raise FileNotFoundError(path(key))
    try:
        check_file(path(key))
        with safe_open(path(key).resolve(strict=True), "np") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}
            metadata = file.metadata() or {}
    except FileNotFoundError as error:
        raise ValueError("it is a link to nothing") from error
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    text = metadata.get("summary", "")
    if metadata.get("sha256") != sha256(text, arrays):
        raise ValueError("its checksum does not match its content")
    summary = json.loads(text)
    if summary.get("key") != key:
        raise ValueError("it is the file of another run")
    return summary, arrays


def sha256(summary: str, arrays: Mapping[str, np.ndarray]) -> str:
    """A checksum of the summary and of every array's name and bytes."""
    total = hashlib.sha256(summary.encode())
    for name in sorted(arrays):
        total.update(name.encode() + arrays[name].tobytes())
    return total.hexdigest()


def glance(key: str) -> tuple[dict | None, str]:
    """The summary of the kept run without looking at its arrays, or None as `summary` gives it."""
    try:
        check_file(path(key))
        with safe_open(path(key), "np") as file:
            return json.loads((file.metadata() or {}).get("summary", "")), ""
    except (OSError, ValueError, SafetensorError):
        return summary(key)


def summary(key: str) -> tuple[dict | None, str]:
    """The summary of the kept run, or None and a sentence that names the file, where it had to be set aside."""
    try:
        return load(key)[0], ""
    except FileNotFoundError:
        return None, ""
    except (ValueError, OSError) as error:
        return None, set_aside(key, error)


def set_aside(key: str, error: Exception) -> str:
    """Rename the run's file out of the way and say why; LthError where even that fails."""
    file = path(key)
    names = (file.with_suffix(f".corrupt{number or ''}") for number in itertools.count())
    aside = next(name for name in names if not os.path.lexists(name))
    try:
        file.replace(aside)
    except OSError as problem:
        raise LthError(f"the kept run {file} cannot be read ({error}), nor set aside: remove it") from problem
    return f"the kept run {file.name} is corrupt ({error}): now {aside.name}, to be computed again"


def verify(keys: Iterable[str]) -> list[str]:
    """Read the kept runs among `keys`; set aside those that are not whole and name each in a sentence."""
    problems = (summary(key)[1] for key in keys)
    return [problem for problem in problems if problem]


def clean() -> None:
    """Delete what interrupted writes of processes that are gone have left behind."""
    import psutil  # which is for the machine that keeps runs

    for file in runs_dir().glob(".*.tmp"):
        process = file.name.split(".")[-2]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            file.unlink(missing_ok=True)
