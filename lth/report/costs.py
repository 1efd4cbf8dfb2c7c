"""What training costs: the benchmark's record, what it says of a whole study, and its figure."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lth.engines import choose
from lth.errors import check_choice
from lth.models import skeleton
from lth.pruning import ladder
from lth.recipes import Recipe
from lth.records import benchmarks
from lth.report import axes, styles
from lth.report.styles import Style
from lth.studies.study import Study

TEST_IMAGES = 10_000  # of MNIST and of CIFAR-10
FLOOR = "products"  # the matrix products of a dense step and nothing else
LOOP = "dataloader"  # what people write
TIMED = ("benchmark-cpu", "benchmark-cuda")  # what `make bench` and `make gpu` write
PROGRAMS = {
    LOOP: Style("PyTorch, DataLoader", styles.GREY, "s", (4, 2)),
    "tensors": Style("PyTorch, images in memory", styles.PINK, "D", (6, 1, 1, 1)),
    "stacked": Style("stacked, one run", styles.GREEN, "^", (1, 1.5)),
    "stacked-4": Style("stacked, four runs", styles.BROWN, "v", (3, 1, 1, 1, 1, 1)),
    "dense": Style("dense", styles.ORANGE, "P", (2, 2)),
    "sparse": Style("sparse", styles.BLUE, "o"),
}


def widest(costs: pd.DataFrame) -> str:
    """The name of the stacked engine with the most replicas of all networks timed."""
    stacked = costs[costs["engine"].str.startswith("stacked")]
    everywhere = stacked.groupby("engine").filter(lambda rows: set(rows["model"]) == set(costs["model"]))
    return everywhere.loc[everywhere["replicas"].idxmax(), "engine"]


def milliseconds(costs: pd.DataFrame, engine: str, what: str, density: float) -> float:
    """The cost of a step or a measurement at `density`, linear between the densities that were measured.

    Beyond the sparsest one the cost stays what it is there. LthError where nothing was measured of the engine.
    """
    rows = costs[(costs["engine"] == engine) & (costs["what"] == what)].sort_values("density")
    if rows.empty:
        check_choice("engine", engine, sorted(set(costs.loc[costs["what"] == what, "engine"])))
    return float(np.interp(density, rows["density"], rows["milliseconds"]))


def run_seconds(costs: pd.DataFrame, recipe: Recipe, density: float, engine: str) -> float:
    """What a run costs on one core: its iterations, and every image that it measures on the way."""
    at_once = costs.loc[costs["what"] == "measure", "images"].iloc[0]
    images = (recipe.validation_size + TEST_IMAGES) * _measurements(recipe, recipe.eval_every)
    images += recipe.train_eval_size * _measurements(recipe, recipe.train_eval_every)
    steps = recipe.iterations * milliseconds(costs, engine, "step", density)
    return (steps + images / at_once * milliseconds(costs, engine, "measure", density)) / 1000


def study_seconds(costs: pd.DataFrame, study: Study, engine: str = "auto") -> float:
    """What a study costs on one core, by a program that was timed, or by the engine that `auto` picks for each run.

    LthError where the benchmark timed another network than the study's.
    """
    total = 0.0
    for recipe in study.recipes:
        check_choice("network", recipe.model, sorted(set(costs["model"])))
        here = costs[costs["model"] == recipe.model]
        rungs = ladder(skeleton(recipe), recipe.pruning, study.levels)
        densities = [sum(rung.values()) / sum(rungs[0].values()) for rung in rungs]
        levels = pd.Series([run.level for run in study.runs() if run.recipe == recipe]).value_counts()
        for level, runs in levels.items():
            density = densities[level]
            name = choose(recipe, density)[0] if engine == "auto" else engine
            total += runs * run_seconds(here, recipe, density, name)
    return total


def expected(studies: Iterable[Study]) -> pd.DataFrame:
    """How long each study takes on one core, and on a GPU, by what was timed; "not timed" where nothing was."""
    rows = {}
    for study in studies:
        models = {recipe.model for recipe in study.recipes}
        row = {"runs": f"{len(study.runs()):,}", "iterations of each": f"{study.recipes[0].iterations:,}"}
        for record, machine, engine in zip(TIMED, ("one core", "one GPU"), ("auto", None), strict=True):
            timed = benchmarks.load_or_none(record)
            known = timed is not None and models <= set(timed["model"])
            row[machine] = duration(study_seconds(timed, study, engine or widest(timed))) if known else "not timed"
        rows[study.name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("study")


def duration(seconds: float) -> str:
    """A duration in the unit that suits it: "45 minutes", "3.2 hours", "5.1 days"."""
    for unit, size in (("days", 86_400), ("hours", 3600)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f} {unit}"
    return f"{seconds / 60:.0f} minutes"


def source(costs: pd.DataFrame, record: str) -> dict[str, Any]:
    """What is to be known of a benchmark's record: its name, hash, commit, day, machine and versions."""
    digest = hashlib.sha256(pd.util.hash_pandas_object(costs, index=False).to_numpy().tobytes()).hexdigest()[:12]
    last = costs.sort_values("time").iloc[-1]
    versions = ", ".join(f"{name} {version}" for name, version in json.loads(last["versions"]).items())
    return {
        "study": record,
        "records": digest,
        "commits": [last["commit"][:7]],
        "day": last["time"][:10],
        "machine": f"one core of {last['machine']} with {last['cores']} cores",
        "versions": versions,
    }


def table(costs: pd.DataFrame) -> pd.DataFrame:
    """Milliseconds of an iteration by program and weights left, of a measurement at the sparsest, and peak memory."""
    named = costs[costs["engine"].isin(PROGRAMS)]
    wide = named.pivot_table(index="engine", columns=["what", "density"], values="milliseconds")
    step, measure = (wide[what].sort_index(axis=1, ascending=False) for what in ("step", "measure"))
    shown = step.map("{:.3g}".format)
    shown.columns = [f"{100 * density:.3g}%" for density in step]
    shown["measuring, dense"] = measure.iloc[:, 0].map("{:,.1f}".format)
    shown["measuring, sparsest"] = measure.iloc[:, -1].map("{:,.1f}".format)
    shown["memory (MB)"] = named.groupby("engine")["memory_mb"].max().map("{:.0f}".format)
    shown = shown.reindex([name for name in PROGRAMS if name in shown.index])
    return shown.rename(index={name: style.label for name, style in PROGRAMS.items()}).rename_axis("program")


def frame(costs: pd.DataFrame) -> pd.DataFrame:
    """What an iteration costs: columns line (a program of PROGRAMS, or FLOOR), percent of the weights, milliseconds."""
    steps = costs[(costs["what"] == "step") & costs["engine"].isin([*PROGRAMS, FLOOR])]
    steps = steps.sort_values(["engine", "density"])
    percents, milliseconds = 100 * steps["density"], steps["milliseconds"]
    return pd.DataFrame({"line": steps["engine"], "percent": percents, "milliseconds": milliseconds})


def against_density(frame: pd.DataFrame) -> list[Figure]:
    """The cost of an iteration against density, both on log axes, by program; dotted: the matrix products alone."""
    figure, ax = axes.new_panel("One training iteration", axes.WIDE)
    for engine, style in PROGRAMS.items():
        rows = frame[frame["line"] == engine]
        ax.plot(
            rows["percent"], rows["milliseconds"], label=style.label, color=style.colour, marker=style.marker,
            linestyle=style.linestyle, markeredgewidth=0,
        )  # fmt: skip
    floor = frame.loc[frame["line"] == FLOOR, "milliseconds"].min()
    ax.axhline(floor, color=styles.MUTED, linestyle=":", linewidth=1.2, label="dense products alone")
    axes.density_axis(ax, frame["percent"])
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.set_ylabel("milliseconds (log scale)")
    axes.legend_above(figure, ax)
    return [figure]


def _measurements(recipe: Recipe, every: int) -> int:
    """How often a run measures: at iteration 0, every so many iterations, and at the end."""
    return recipe.iterations // every + 1 + bool(recipe.iterations % every)
