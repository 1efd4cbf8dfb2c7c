"""What the chapters on the other networks tell before there is anything to draw: counts, ladders, costs and verdicts.

Tables are data frames; a study without published records is told apart from one with some.
"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.figure import Figure

from lth.models import prunable, skeleton
from lth.pruning import ladder
from lth.recipes import Recipe
from lth.records import benchmarks, published
from lth.records.published import Records
from lth.report import costs, figures
from lth.report.claims import rule
from lth.report.claims.paper import CLAIMS
from lth.studies.catalogue import STUDIES
from lth.studies.study import Study

PRINTED = {"conv2": "4.3M", "conv4": "2.4M", "conv6": "1.7M", "resnet18": "274K", "vgg19": "20.0M"}  # [FC] Figure 2
TIMED = ("benchmark-cpu", "benchmark-cuda")  # what `make bench` and `make gpu` write


def by_kind(recipe: Recipe) -> dict[str, int]:
    """How many weights a network has by kind, without biases and BatchNorm."""
    net = skeleton(recipe)
    sizes, kinds = {name: p.numel() for name, p in net.named_parameters()}, prunable(net)
    counted = {what: sum(sizes[n] for n, kind in kinds.items() if kind == what) for what in set(kinds.values())}
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
        shown = {what: f"{n:,}" if n else "–" for what, n in numbers.items()}
        rows[recipe.model] = shown | {"as printed": PRINTED.get(recipe.model, "")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def protocols(studies: Iterable[Study]) -> pd.DataFrame:
    """A column for each recipe of the studies: what is trained, and how."""
    columns = {}
    for chosen in studies:
        draws = {arm: n for grid in chosen.grids for arm, n in dict(grid.draws).items()}
        for recipe in chosen.recipes:
            o, p = recipe.optimizer, recipe.pruning
            rates = [f"{what} {100 * rate:.3g}" for what, rate in (("conv", p.convolution), ("fc", p.linear)) if rate]
            columns[recipe.name] = {
                "optimizer": f"{'Adam' if o.name == 'adam' else 'SGD'} {o.learning_rate:g}",
                "warmup": f"{o.warmup:,}" if o.warmup else "–",
                "÷ 10 at": ", ".join(f"{m:,}" for m in o.milestones) or "–",
                "rewound to": f"{recipe.rewind:,}",
                "batch": recipe.batch_size,
                "iterations": f"{recipe.iterations:,}",
                "% a level": ", ".join(rates),
                "levels": f"0–{chosen.levels}",
                "trials": chosen.trials,
                "arms": ", ".join(f"{arm} ×{n}" if n > 1 else arm for arm, n in draws.items()),
            }
    return pd.DataFrame(columns).rename_axis("recipe")


def densities(studies: Iterable[Study]) -> pd.DataFrame:
    """The density ladder of each study: percent of what may be pruned that is left at each level."""
    columns = {}
    for chosen in studies:
        recipe = chosen.recipes[0]
        rungs = [sum(rung.values()) for rung in ladder(skeleton(recipe), recipe.pruning, chosen.levels)]
        columns[chosen.name] = pd.Series([f"{100 * left / rungs[0]:.1f}" for left in rungs])
    return pd.DataFrame(columns).fillna("–").rename_axis("level")


def expected(studies: Iterable[Study]) -> pd.DataFrame:
    """How long each study takes on one core, and on a GPU, by iterations timed; "not timed" where none was."""
    rows = {}
    for chosen in studies:
        models = {recipe.model for recipe in chosen.recipes}
        row = {"runs": f"{len(chosen.runs()):,}", "iterations of each": f"{chosen.recipes[0].iterations:,}"}
        for record, what, engine in zip(TIMED, ("one core", "one GPU"), ("auto", None), strict=True):
            timed = benchmarks.load_or_none(record)
            if timed is None or not models <= set(timed["model"]):
                row[what] = "not timed"
                continue
            engine = engine or costs.widest(timed)
            row[what] = costs.duration(costs.study_seconds(timed, chosen, engine))
        rows[chosen.name] = row
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
    found = rule.table({name: published.load_or_empty(name).runs for name in names})
    return found[found["study"].isin(names)]


def one_recipe(shown: Records, name: str) -> Records:
    """The records of one recipe of a study."""
    curves, runs = (frame[frame["recipe"] == name] for frame in (shown.curves, shown.runs))
    return Records(shown.study, curves.reset_index(drop=True), runs.reset_index(drop=True))


def emptied(runs: pd.DataFrame) -> int:
    """How many runs have a layer without a weight, which global pruning allows."""
    return int(runs["remaining"].str.contains(r": 0[,}]", regex=True).sum())


def numbers(prefix: str, chosen: Study, shown: Records | None, source: str) -> dict:
    """What both chapters say in words: how much of the study there is, on which images, and where it comes from."""
    if shown is None:
        state, source = "No records yet: not tested.", f"Study {chosen.name}: no records yet."
        extent = f"None of the {len(chosen.runs()):,} runs of the study {chosen.name} is published."
    else:
        state = f"Trained on {' and '.join(sorted(set(shown.runs['data'])))}."
        count, empty = f"{len(shown.runs):,} of the {len(chosen.runs()):,}", emptied(shown.runs)
        extent = f"The figures show {count} runs of the study {chosen.name}."
        if chosen.recipes[0].pruning.scope == "global":
            extent += f" Pruning over all layers at once has left {empty:,} of them with a layer without any weight."
    found = {"state": state, "extent": extent, "study": chosen.name, "source": source}
    found["cut_pp"] = 100 * figures.BELOW_DENSE
    return {f"{prefix}_{name}": value for name, value in found.items()}


def nothing_to_draw(studied: str) -> Figure:
    """In the place of a figure: that there are no records."""
    figure, ax = figures.new_figure((7.2, 1.6))
    ax.set_axis_off()
    ax.text(0.5, 0.5, f"{studied}: no records yet, not tested", ha="center", va="center", color="0.3")
    return figure
