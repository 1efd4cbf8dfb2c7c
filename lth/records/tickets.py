"""Published tickets: which weights survive each level of a trial, where they start, and where some of them end.

One Parquet file a trial, a row a number of the network's state, in the order of its state_dict:

    layer    the name of its tensor
    removed  the level at which it was pruned, from 1; empty where it never was
    final_L  its value after level L was trained, for a few levels; empty where it is pruned
    start    its value at the rewind iteration; the column is left out where the seed of the trial gives it again

The file's metadata hold the specifications and the hashes of the masks of all its levels. SHA256SUMS lists the files.
"""

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as arrow
import pyarrow.parquet as parquet
import torch
from torch import nn

from lth import pruning
from lth.errors import LthError, check_whole
from lth.models import Masks, Weights, build_model, initialise, prunable, skeleton
from lth.paths import content_of, make_dir, tickets_dir
from lth.recipes import Recipe
from lth.records.finished import Finished
from lth.records.specs import recipe_of
from lth.runs import stream

SUMS = "SHA256SUMS"
ABOUT = b"lth"  # the key of the metadata


@dataclass(frozen=True)
class Ticket:
    """A published ticket: the network of `recipe`, its mask at a level, and the weights it starts and ends with.

    start: every tensor of the network's state at the rewind iteration, exactly 0 where masked.
    masks: bool by name, True where the weight survives.
    trained: the state after the level was trained, 0 where masked; None where it was not published for this level.
    summary: what is recorded of its run.
    """

    study: str
    trial: int
    level: int
    recipe: Recipe
    start: Weights
    masks: Masks
    trained: Weights | None
    summary: Mapping[str, Any]

    @cached_property
    def density(self) -> float:
        """Surviving over prunable weights, 0 to 1."""
        return pruning.density(self.masks)

    def network(self, trained: bool = False) -> nn.Module:
        """The network with the ticket's starting weights, or its trained ones; LthError where these are not there."""
        weights = self.trained if trained else self.start
        if weights is None:
            raise LthError(f"the trained weights of level {self.level} are not published: train the ticket from start")
        net = build_model(self.recipe)
        net.load_state_dict(weights)
        return net


def published(study: str) -> list[int]:
    """The trials of a study whose tickets are published."""
    files = (tickets_dir() / study).glob("trial-*.parquet")
    return sorted(int(number) for file in files if (number := file.stem.removeprefix("trial-")).isdecimal())


def ticket(study: str, trial: int = 0, level: int = 1) -> Ticket:
    """The published ticket of a study's trial at that level (0 is the dense network).

    LthError where it is not published, and where its file or its mask is not what was published.
    """
    check_whole("trial", trial)
    check_whole("level", level)
    place = tickets_dir() / str(study)
    table = _read(place, f"trial-{trial}.parquet", study, trial)
    about = json.loads(table.schema.metadata[ABOUT])
    if level >= len(about["levels"]):
        raise LthError(f"trial {trial} of {study!r} has the levels 0 to {len(about['levels']) - 1}, not {level}")
    summary = about["levels"][level]
    recipe = recipe_of(json.loads(summary["spec"]))
    if recipe is None:
        raise LthError(f"the network of {study!r} is not the library's: it cannot be made from its record")
    shapes = {name: value.shape for name, value in skeleton(recipe).state_dict().items()}
    removed = _split(table["removed"].fill_null(len(about["levels"])).to_numpy(), shapes)
    masks = {name: torch.from_numpy(removed[name] > level) for name in about["prunable"]}
    if pruning.digest(masks) != summary["mask_sha256"]:
        raise LthError(f"the mask in {place}/trial-{trial}.parquet is not the one that was published: restore the file")
    start = _start(table, recipe, about, trial, shapes)
    final = f"final_{level}"
    trained = _weights(table, final, shapes) if final in table.column_names else None
    return Ticket(study, trial, level, recipe, pruning.apply(masks, start), masks, trained, summary)


def _read(place: Path, name: str, study: str, trial: int) -> arrow.Table:
    """The table of a trial, its checksum compared."""
    try:
        content = content_of(place / name)
        sums = _sums(place)
    except FileNotFoundError as error:
        raise LthError(
            f"no ticket of {study!r}, trial {trial}, is published: published are the trials "
            f"{', '.join(map(str, published(study))) or 'none'}; `lth verify {study} --trial {trial} --level L --keep` "
            "trains them"
        ) from error
    except OSError as error:
        raise LthError(f"cannot read {error.filename} ({error.strerror}): make it readable") from error
    if sums.get(name) != hashlib.sha256(content).hexdigest():
        raise LthError(
            f"{place / name} is not what was published (its SHA-256 differs from {SUMS}): restore it with git"
        )
    return parquet.ParquetFile(arrow.BufferReader(content)).read()


def write(study: str, trial: int, runs: Collection[Finished], keep: Collection[int] = ()) -> Path:
    """Publish the tickets of a trial: `runs` are its tickets from level 0 on; returns the file.

    `keep`: the levels whose trained weights are published too; those of the dense network always are.
    """
    levels = sorted(runs, key=lambda run: run.summary["level"])
    if [run.summary["level"] for run in levels] != list(range(len(levels))) or not levels:
        raise LthError("tickets are published from level 0 on, without a gap")
    dense, spec = levels[0], json.loads(levels[0].summary["spec"])
    recipe = recipe_of(spec)
    if recipe is None:
        raise LthError(f"the network of {study!r} is not the library's: others could not make it from its record")
    net = skeleton(recipe)
    names = list(net.state_dict())  # kept runs have another order
    rewound = {name: dense.rewound[name] for name in names}
    removed = {name: np.full(dense.weights[name].numel(), len(levels), np.int64) for name in names}
    for level, run in reversed(list(enumerate(levels))):
        for name, mask in run.masks.items():
            removed[name][~mask.flatten().numpy()] = level
    columns: dict[str, Any] = {
        "layer": arrow.array(np.repeat(names, [dense.weights[name].numel() for name in names])).dictionary_encode(),
        "removed": _where(np.concatenate(list(removed.values())), np.concatenate(list(removed.values())) < len(levels)),
    }
    columns["removed"] = columns["removed"].cast(arrow.uint8())
    for level in sorted({0, *keep}):
        if level >= len(levels):
            raise LthError(f"there are the levels 0 to {len(levels) - 1}, not {level}")
        alive = np.concatenate([removed[name] > level for name in names])
        columns[f"final_{level}"] = _where(_flat(levels[level].weights, names), alive)
    if not _same(_drawn(recipe, spec["root_seed"], trial), rewound):
        columns["start"] = arrow.array(_flat(rewound, names))
    about = {
        "study": study,
        "trial": trial,
        "prunable": list(prunable(net, recipe.pruning.biases)),
        "root_seed": spec["root_seed"],
        "start_sha256": _sha256(rewound),
        "levels": [run.summary for run in levels],
    }
    return _publish(study, f"trial-{trial}.parquet", arrow.table(columns), about)


def _publish(study: str, name: str, table: arrow.Table, about: dict) -> Path:
    """Write the file aside, name it in the list of checksums, give it its place."""
    place = make_dir(tickets_dir() / study)
    aside = place / f".{name}"
    table = table.replace_schema_metadata({ABOUT: json.dumps(about).encode()})
    floats = [column.name for column in table.schema if column.type == arrow.float32()]
    try:
        parquet.write_table(
            table, aside, compression="zstd", compression_level=19, use_dictionary=["layer"],
            use_byte_stream_split=floats,
        )  # fmt: skip
        sums = (_sums(place) if os.path.lexists(place / SUMS) else {}) | {
            name: hashlib.sha256(aside.read_bytes()).hexdigest()
        }
        listed = place / f".{SUMS}"
        listed.write_text("".join(f"{sha256}  {file}\n" for file, sha256 in sorted(sums.items())))
        aside.replace(place / name)
        listed.replace(place / SUMS)
    except OSError as error:
        raise LthError(f"cannot write tickets in {place} ({error.strerror}): make room there and try again") from error
    return place / name


def _sums(place: Path) -> dict[str, str]:
    """The list of checksums: SHA-256 by name."""
    lines = content_of(place / SUMS).decode(errors="replace").splitlines()
    return {name: sha256 for sha256, _, name in (line.partition("  ") for line in lines)}


def _start(table: arrow.Table, recipe: Recipe, about: dict, trial: int, shapes: Mapping[str, torch.Size]) -> Weights:
    """The weights of the rewind iteration: from the file, or drawn again."""
    if "start" in table.column_names:
        start = _weights(table, "start", shapes)
    else:
        start = _drawn(recipe, about["root_seed"], trial)
    if _sha256(start) != about["start_sha256"]:
        raise LthError(
            "this PyTorch draws other initial weights than the published ones: install the one of constraints.txt"
        )
    return start


def _drawn(recipe: Recipe, root_seed: int, trial: int) -> Weights:
    """The initial weights of a trial."""
    return initialise(skeleton(recipe), stream(root_seed, trial, "initialisation"), recipe.initial_std)


def _same(one: Weights, other: Weights) -> bool:
    return one.keys() == other.keys() and all(torch.equal(value, other[name]) for name, value in one.items())


def _sha256(weights: Weights) -> str:
    total = hashlib.sha256()
    for name, value in weights.items():
        total.update(name.encode() + value.contiguous().numpy().tobytes())
    return total.hexdigest()


def _flat(weights: Weights, names: Collection[str]) -> np.ndarray:
    """All numbers of a state, float32; LthError where some are none that float32 holds."""
    if odd := [name for name in names if weights[name].dtype != torch.float32]:
        raise LthError(f"the network's {odd[0]} is {weights[odd[0]].dtype}: only float32 can be published")
    return np.concatenate([weights[name].flatten().numpy() for name in names])


def _where(values: np.ndarray, there: np.ndarray) -> arrow.Array:
    return arrow.array(values, mask=~there)


def _weights(table: arrow.Table, column: str, shapes: Mapping[str, torch.Size]) -> Weights:
    parts = _split(table[column].fill_null(0.0).to_numpy(), shapes)
    return {name: torch.from_numpy(part.copy()) for name, part in parts.items()}


def _split(values: np.ndarray, shapes: Mapping[str, torch.Size]) -> dict[str, np.ndarray]:
    """Flat numbers by tensor, in its shape."""
    ends = np.cumsum([shape.numel() for shape in shapes.values()])
    parts = np.split(values, ends[:-1])
    return {name: part.reshape(tuple(shape)) for (name, shape), part in zip(shapes.items(), parts, strict=True)}
