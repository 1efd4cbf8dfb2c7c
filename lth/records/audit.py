"""Whether the published records of a study contradict themselves: a forged number often does, checksums adapted or not.

Each check names the first run that contradicts it, and says how many do. What no check can see is a number that is
changed within what others allow, such as a test accuracy in the middle of a curve: only training again finds that
(`lth verify STUDY --trial N --level L`).
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import torch

from lth import pruning
from lth.arms import ARMS
from lth.criteria import rounds_at_start
from lth.datasets.catalogue import DATA_SETS
from lth.lottery import Chain, next_level
from lth.models import prunable, skeleton
from lth.paths import records_dir
from lth.recipes import Pruning, Recipe
from lth.records import contents
from lth.records.finished import start_histogram
from lth.records.published import LOSSES, Records
from lth.records.schema import KEYS
from lth.records.specs import recipe_of
from lth.runs import Run

Problem = tuple[str, str]  # the run, as tables name it, and what is wrong with it
ROUNDED = timedelta(seconds=2)  # times are recorded in whole seconds, and clocks are set
LEAST = math.log(2) * (1 - 1e-5)  # what an image that is put into a wrong class adds to the summed loss
COMMIT = re.compile(r"([0-9a-f]{7,40}(-dirty)?)?")


def published() -> list[str]:
    """The names of all studies that are published."""
    return sorted(path.parent.name for path in records_dir().glob("*/curves.parquet"))


def contradictions(records: Records) -> list[str]:
    """A sentence for each check that the records of a study contradict; none where they are as a study leaves them."""
    runs = [Read(row) for row in records.runs.to_dict("records")]
    curves = {key: curve for key, curve in records.curves.groupby(KEYS, sort=False)}
    found = []
    for check in CHECKS:
        problems = list(check(runs, curves))
        if problems:
            run, what = problems[0]
            more = f"; so are {len(problems) - 1} others" if len(problems) > 1 else ""
            found.append(f"{records.study}: {run}: {what}{more}")
    return found


class Read:
    """A row of `runs` with its cells read."""

    def __init__(self, row: Mapping):
        self.row, self.spec = row, json.loads(row["spec"])
        self.name = contents.named(row)
        self.lender: str | None = (self.spec["recipe"].get("masks_from") or {}).get("name")  # whose masks it has
        self.key = tuple(row[name] for name in KEYS)
        self.recipe: Recipe | None = recipe_of(self.spec)  # None: with a network or data of one's own
        self.arm = ARMS.get(row["arm"])
        self.remaining, self.prunable = json.loads(row["remaining"]), json.loads(row["prunable"])
        text = row["start_histogram"]
        self.histogram: dict[str, list[int]] | None = json.loads(text) if isinstance(text, str) else None
        self.time = datetime.fromisoformat(row["time"])

    @property
    def rule(self) -> Pruning:
        """What has pruned its masks: its own recipe, or the one whose masks it has."""
        assert self.recipe is not None
        return (self.recipe.masks_from or self.recipe).pruning

    @property
    def run(self) -> Run:
        """The run that has this specification."""
        assert self.recipe is not None
        names = ("arm", "trial", "draw", "level", "root_seed", "engine")
        return Run(self.recipe, **{name: self.spec[name] for name in names})

    def place(self, **changes: object) -> tuple:
        """Recipe, arm, trial, draw and level of this run, or of another one."""
        names = ("recipe", "arm", "trial", "draw", "level")
        return tuple(changes.get(name, self.row[name]) for name in names)


Runs = list[Read]
Curves = Mapping[tuple, pd.DataFrame]
Check = Callable[[Runs, Curves], Iterable[Problem]]


def rows(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Every row holds what the format says, and its key is the hash of its specification."""
    for run in runs:
        try:
            contents.check(run.row)
        except ValueError as error:
            yield run.name, str(error)
        if not COMMIT.fullmatch(run.row["commit"]):
            yield run.name, f"its commit is none: {run.row['commit']!r}"
        wanted = run.spec["recipe"].get("copy") or getattr(DATA_SETS.get(run.spec["recipe"]["dataset"]), "label", None)
        if wanted and run.row["data"] != wanted:
            yield run.name, f"it is on {run.row['data']}, and its specification is on {wanted}"


def measurements(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Every run is measured when its recipe says, and its summary follows from its curve."""
    if lost := len(curves.keys() - {run.key for run in runs}):
        yield "curves", f"{lost} have no run"
    for run in runs:
        if run.key not in curves:
            yield run.name, "it has no curve"
            continue
        curve, row, of = curves[run.key], run.row, run.spec["recipe"]
        if curve["iteration"].tolist() != _multiples(of["eval_every"], of["iterations"]):
            yield run.name, "it is not measured at the iterations of its recipe"
            continue
        also = curve["iteration"].isin(_multiples(of["train_eval_every"], of["iterations"]))
        if (curve["train_acc"].notna() != also).any():
            yield run.name, "its training accuracy is not measured at the iterations of its recipe"
        stop = curve["val_loss"].fillna(np.inf).argmin()
        at, last = curve.iloc[stop], curve.iloc[-1]
        pairs = {
            "early_stop_iteration": at["iteration"],
            "early_stop_val_loss": at["val_loss"],
            "early_stop_test_acc": at["test_acc"],
            "final_test_acc": last["test_acc"],
            "final_train_acc": last["train_acc"],
        }
        for name, value in pairs.items():
            if row[name] != value:
                yield run.name, f"its {name} is {row[name]}, and {value} in its curve"


def counted(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Accuracies are whole numbers of images, and every misclassified image costs at least ln 2."""
    for run in runs:
        sizes, curve = _sizes(run), curves.get(run.key)
        if sizes is None or curve is None:
            continue
        values = {name: curve[name].to_numpy(float) for name in curve.columns if name not in KEYS}
        for part, size in sizes.items():
            accuracy, loss = values[f"{part}_acc"], values[f"{part}_loss"]
            right = accuracy[~np.isnan(accuracy)] * size
            if (np.abs(right - right.round()) > 1e-6).any():
                yield run.name, f"a {part}_acc is no multiple of 1/{size}"
            if part != "train" and (loss < (1 - accuracy) * LEAST).any():
                yield run.name, f"a {part}_loss is less than its {part}_acc allows"
        if any((values[name] < 0).any() for name in LOSSES):
            yield run.name, "a loss is negative"
        wrong = run.row.get("wrong_test_images")
        if wrong is not None and not isinstance(wrong, float):
            expected = round((1 - run.row["final_test_acc"]) * sizes["test"])
            if len(wrong) != expected or (len(wrong) and max(wrong) >= sizes["test"]):
                yield run.name, f"{len(wrong)} test images are listed as wrong, and {expected} are by its accuracy"


def apart(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """No two runs of a recipe have the same measurements after the start, nor in the second half of their curve."""
    seen: dict[tuple, Read] = {}
    for run in runs:
        curve = curves.get(run.key)
        if curve is None or len(curve) < 3:
            continue
        values = np.stack([curve[name].to_numpy(float) for name in curve.columns if name not in KEYS])
        for first in (1, len(curve) // 2 + 1):
            other = seen.setdefault((run.row["recipe"], first, values[:, first:].tobytes()), run)
            if other is not run:
                yield run.name, f"it has the measurements of {other.name}"


def ladder(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """As many weights are left as the ladder of the recipe says."""
    rungs: dict[Recipe, tuple] = {}
    deepest = max((run.row["level"] for run in runs), default=0)
    for run in runs:
        if run.recipe is None:
            continue
        if run.recipe not in rungs:
            net = skeleton(run.recipe)
            numbers = {name: value.numel() for name, value in net.named_parameters()}
            sizes = {name: numbers[name] for name in prunable(net, run.rule.biases)}
            steps = [rung for rung, _ in zip(pruning.rungs(net, run.rule), range(deepest + 1), strict=False)]
            rungs[run.recipe] = steps, sizes
        steps, sizes = rungs[run.recipe]
        if run.prunable != sizes:
            yield run.name, "its layers are not those of its network"
            continue
        rung = steps[run.row["level"]]
        if {names: sum(run.remaining[name] for name in names) for names in rung} != rung:
            yield run.name, "it has not as many weights left as its level says"


def masks(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Paired arms share the mask, all others have one of their own."""
    there = {run.place(): run for run in runs}
    owners: dict[tuple, Read] = {}
    for run in runs:
        if run.arm is None:
            continue
        sha256 = run.row["mask_sha256"]
        if run.arm.borrows_mask:
            lender = there.get(run.place(arm=run.arm.mask, draw=0))
            if lender and lender.row["mask_sha256"] != sha256:
                yield run.name, f"it has another mask than {lender.name}"
            if run.histogram is not None or not _empty(run.row["input_connections"]):
                yield run.name, "it borrows its mask, and says what only its lender says"
            continue
        if run.histogram is None and run.recipe is not None:
            yield run.name, "it has a mask of its own, and does not say where its weights start"
        at_once = run.arm.mask == "oneshot" and run.row["level"] == 1  # which is what the ticket's first level prunes
        ticket = there.get(run.place(arm="ticket", draw=0))
        if at_once and ticket and ticket.row["mask_sha256"] != sha256:
            yield run.name, f"it has another mask than {ticket.name}"
        if run.row["level"] and not at_once:
            other = owners.setdefault((run.row["recipe"], sha256), run)
            if other is not run:
                yield run.name, f"it has the mask of {other.name}"


def nested(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """What is pruned stays pruned: of no input, and of no size at which weights start, are there more a level on."""
    there = {run.place(): run for run in runs}
    for run in runs:
        if run.arm is None or run.recipe is None or run.arm.borrows_mask or not run.row["level"]:
            continue
        if rounds_at_start(run.rule) > 1:  # which lead to each level anew
            continue
        chained = run.arm.name == "ticket" or run.arm.has_own_chain
        before = (
            there.get(run.place(level=run.row["level"] - 1))
            if chained
            else there.get(run.place(arm="ticket", draw=0, level=0))
        )
        if before is None:
            continue
        connections = [each.row["input_connections"] for each in (before, run)]
        if not any(map(_empty, connections)) and (np.array(connections[1]) > np.array(connections[0])).any():
            yield run.name, f"an input has more weights than in {before.name}"
        rewound = run.arm.start in ("rewound", "one draw") and not run.recipe.resume_level
        same_start = rewound and (run.recipe.rewind == 0 or before.row["level"] > 0)
        if same_start and run.histogram and before.histogram:
            for layer, counts in run.histogram.items():
                if (np.array(counts) > np.array(before.histogram[layer])).any():
                    yield run.name, f"weights of {layer} start where none did in {before.name}"


def starts(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Dense networks start where the seed of their trial says: weights are drawn here again."""
    made: dict[tuple, dict] = {}
    for run in runs:
        if run.recipe is None or run.arm is None or run.row["level"] or run.histogram is None:
            continue
        of = run.run
        if of.arm != "ticket" and not run.arm.has_own_chain:
            continue
        head = of.arm, of.draw
        place = (of.recipe.model, of.recipe.initial_std, of.recipe.pruning.biases, of.root_seed, of.trial, *head)
        if place not in made:
            draws = ((of.arm, of.draw + 1),)
            recipe = replace(of.recipe, masks_from=None)  # dense networks have no masks from elsewhere
            chain = Chain(recipe, of.trial, 1, draws, root_seed=of.root_seed, engine=of.engine)
            made[place] = start_histogram(next_level(chain, head, 0)[0])
        if made[place] != run.histogram:
            yield run.name, "it does not start where the seed of its trial says"


def drawn(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """Random masks are those of their stream: they are drawn here again."""
    for run in runs:
        if run.recipe is None or run.arm is None or run.arm.mask != "random":
            continue
        shapes = {name: value.shape for name, value in skeleton(run.recipe).named_parameters()}
        like = {name: _first(shapes[name], run.remaining[name]) for name in run.prunable}
        if pruning.digest(pruning.random_masks(like, run.run.stream("mask"))) != run.row["mask_sha256"]:
            yield run.name, "its random mask is not the one of its stream"


def times(runs: Runs, curves: Curves) -> Iterator[Problem]:
    """No run was finished before what it needs was, and it had been trained; none is of the future."""
    there = {run.place(): run for run in runs}
    now = datetime.now(UTC) + timedelta(days=1)
    for run in runs:
        if run.time > now:
            yield run.name, f"it was finished in the future, {run.row['time']}"
        if run.arm is None or not run.row["level"]:
            continue
        if run.arm.has_own_chain:
            needs = run.place(level=run.row["level"] - 1)
        else:
            level = 0 if run.arm.mask == "oneshot" else run.row["level"] - 1
            needs = run.place(recipe=run.lender or run.row["recipe"], arm="ticket", draw=0, level=level)
        needed = there.get(needs)
        if needed and run.time + ROUNDED < needed.time + timedelta(seconds=run.row["seconds"]):
            yield (
                run.name,
                f"it was finished at {run.row['time']}, too soon after {needed.name} at {needed.row['time']}",
            )


CHECKS: tuple[Check, ...] = (rows, measurements, counted, apart, ladder, masks, nested, starts, drawn, times)


def _multiples(step: int, last: int) -> list[int]:
    """0, `step`, 2 `step`, … and the last iteration."""
    return sorted({*range(0, last, step), last})


def _sizes(run: Read) -> dict[str, int] | None:
    """How many images are measured, by part; None for data of one's own."""
    data_set = DATA_SETS.get(run.spec["recipe"]["dataset"])
    if data_set is None:
        return None
    of = run.spec["recipe"]
    train = min(of["train_eval_size"], data_set.sizes[0] - of["validation_size"])
    return {"test": data_set.sizes[1], "val": of["validation_size"], "train": train}


def _first(shape: Iterable[int], count: int) -> torch.Tensor:
    """A mask of this shape with so many weights."""
    mask = torch.zeros(math.prod(shape), dtype=torch.bool)
    mask[:count] = True
    return mask.view(*shape)


def _empty(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
