"""What the chapters on the other networks show before anything is trained: counts, ladders, costs and verdicts."""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from lth.models import prunable, skeleton
from lth.pruning import ladder
from lth.recipes import Recipe
from lth.records import benchmarks, published
from lth.records.published import Records
from lth.report import costs, figures
from lth.report.axes import new_figure
from lth.report.claims import rule
from lth.report.claims.paper import CLAIMS
from lth.report.printed import NETWORKS
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

TIMED = ("benchmark-cpu", "benchmark-cuda")  # what `make bench` and `make gpu` write


def by_kind(recipe: Recipe) -> dict[str, int]:
    """How many weights a network has by kind, without biases and BatchNorm."""
    net = skeleton(recipe)
    sizes, kinds = {name: p.numel() for name, p in net.named_parameters()}, prunable(net)
    counted = dict.fromkeys(kinds.values(), 0)
    for name, kind in kinds.items():
        counted[kind] += sizes[name]
    return counted | {"shortcut": sum(n for name, n in sizes.items() if "shortcut.0" in name)}


def weights(recipe: Recipe) -> int:
    """All weights of a network, without biases and BatchNorm."""
    return sum(by_kind(recipe).values())


def counts(recipes: Iterable[Recipe]) -> pd.DataFrame:
    """Weights by kind, exact: a row a network."""
    rows = {}
    for recipe in recipes:
        counted = by_kind(recipe)
        pruned = sum(n for kind, n in counted.items() if getattr(recipe.pruning, kind, 0))
        numbers = {
            "convolutions": counted.get("convolution", 0),
            "fully connected": counted.get("linear", 0),
            "output": counted["output"],
            "shortcuts": counted["shortcut"],
            "together": weights(recipe),
            "may be pruned": pruned,
        }
        shown = {column: f"{n:,}" if n else "–" for column, n in numbers.items()}
        as_printed = NETWORKS[recipe.model].weights if recipe.model in NETWORKS else ""
        rows[recipe.model] = shown | {"as printed": as_printed}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def protocols(studies: Iterable[Study]) -> pd.DataFrame:
    """A column for each recipe of the studies: what is trained, and how."""
    columns = {}
    for study in studies:
        draws = {arm: n for grid in study.grids for arm, n in dict(grid.draws).items()}
        for recipe in study.recipes:
            optimizer, pruning = recipe.optimizer, recipe.pruning
            rates = (("conv", pruning.convolution), ("fc", pruning.linear))
            columns[recipe.name] = {
                "optimizer": f"{'Adam' if optimizer.name == 'adam' else 'SGD'} {optimizer.learning_rate:g}",
                "warmup": f"{optimizer.warmup:,}" if optimizer.warmup else "–",
                "÷ 10 at": ", ".join(f"{milestone:,}" for milestone in optimizer.milestones) or "–",
                "rewound to": f"{recipe.rewind:,}",
                "batch": recipe.batch_size,
                "iterations": f"{recipe.iterations:,}",
                "% a level": ", ".join(f"{layers} {100 * rate:.3g}" for layers, rate in rates if rate),
                "levels": f"0–{study.levels}",
                "trials": study.trials,
                "arms": ", ".join(f"{arm} ×{n}" if n > 1 else arm for arm, n in draws.items()),
            }
    return pd.DataFrame(columns).rename_axis("recipe")


def densities(studies: Iterable[Study]) -> pd.DataFrame:
    """The density ladder of each study: percent of what may be pruned that is left at each level."""
    columns = {}
    for study in studies:
        recipe = study.recipes[0]
        rungs = [sum(rung.values()) for rung in ladder(skeleton(recipe), recipe.pruning, study.levels)]
        columns[study.name] = pd.Series([f"{100 * weights_left / rungs[0]:.1f}" for weights_left in rungs])
    return pd.DataFrame(columns).fillna("–").rename_axis("level")


def expected(studies: Iterable[Study]) -> pd.DataFrame:
    """How long each study takes on one core, and on a GPU, by iterations timed; "not timed" where none was."""
    rows = {}
    for study in studies:
        models = {recipe.model for recipe in study.recipes}
        row = {"runs": f"{len(study.runs()):,}", "iterations of each": f"{study.recipes[0].iterations:,}"}
        for record, machine, engine in zip(TIMED, ("one core", "one GPU"), ("auto", None), strict=True):
            timed = benchmarks.load_or_none(record)
            if timed is None or not models <= set(timed["model"]):
                row[machine] = "not timed"
                continue
            row[machine] = costs.duration(costs.study_seconds(timed, study, engine or costs.widest(timed)))
        rows[study.name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("study")


def in_the_paper(model: str) -> str:
    """How much faster and more accurate than dense networks the paper's tickets of a Conv network are."""
    speed, accuracy = (CLAIMS[f"{claim}-{model}"] for claim in ("C1", "C2"))
    density = float(densities([STUDIES[model]])[model][speed.levels[0]])
    return (
        f"{speed.number:g} times as fast as the dense network with {density:.1f}% of the weights, and "
        f"{accuracy.number:g} percentage points more accurate at the best level"
    )


def judged(*names: str) -> pd.DataFrame:
    """The claims about these studies with the verdicts of their published records."""
    table = rule.table({name: published.load_or_empty(name).runs for name in names})
    return table[table["study"].isin(names)]


def one_recipe(shown: Records, name: str) -> Records:
    """The records of one recipe of a study."""
    curves, runs = (frame[frame["recipe"] == name] for frame in (shown.curves, shown.runs))
    return Records(shown.study, curves.reset_index(drop=True), runs.reset_index(drop=True))


def emptied(runs: pd.DataFrame) -> int:
    """How many runs have a layer without a weight, which global pruning allows."""
    return int(runs["remaining"].str.contains(r": 0[,}]", regex=True).sum())


def coverage(study: Study, shown: Records | None) -> dict:
    """What a chapter says of its records, by name: on which images they are, how many of the study's runs they hold."""
    if shown is None:
        state = "No records yet: not tested."
        extent = f"None of the {len(study.runs()):,} runs of the study {study.name} is published."
    else:
        state = f"Trained on {' and '.join(sorted(set(shown.runs['data'])))}."
        extent = f"The figures show {len(shown.runs):,} of the {len(study.runs()):,} runs of the study {study.name}."
        if study.recipes[0].pruning.scope == "global":
            empty = emptied(shown.runs)
            extent += f" Pruning over all layers at once has left {empty:,} of them with a layer without any weight."
    return {"state": state, "extent": extent, "study": study.name, "cut_pp": 100 * figures.BELOW_DENSE}


def nothing_to_draw(studied: str) -> Figure:
    """In the place of a figure: that there are no records."""
    figure, ax = new_figure((7.2, 1.6))
    ax.set_axis_off()
    ax.text(0.5, 0.5, f"{studied}: no records yet, not tested", ha="center", va="center", color="0.3")
    return figure
