"""The committed records obey the rules of the experiment, number by number."""

import hashlib
import json

import numpy as np
import pytest

from lth import records
from lth.models import skeleton
from lth.paths import ROOT
from lth.pruning import ladder
from lth.recipes import Optimizer, Pruning, Recipe
from lth.records import KEYS
from lth.runs import FROM_DENSE

STUDIES = sorted(path.parent.name for path in (ROOT / "data" / "records").glob("*/curves.parquet"))
studies = pytest.mark.parametrize("study", STUDIES)


@pytest.fixture(autouse=True)
def committed(monkeypatch):
    monkeypatch.delenv("LTH_DATA", raising=False)


def recipe_of(run) -> Recipe:
    """The recipe that a run's specification holds."""
    fields = json.loads(run["spec"])["recipe"]
    optimizer = fields["optimizer"] | {"milestones": tuple(fields["optimizer"]["milestones"])}
    return Recipe(**fields | {"optimizer": Optimizer(**optimizer), "pruning": Pruning(**fields["pruning"])})


def test_something_is_published():
    assert "lenet" in STUDIES


@studies
def test_every_run_has_all_its_measurements_and_no_nan(study):
    published = records.load(study)
    counts = published.curves.groupby(KEYS)["iteration"].agg(["size", "min", "max"])
    for _, run in published.runs.iterrows():
        recipe = recipe_of(run)
        size, first, last = counts.loc[tuple(run[KEYS])]
        assert (size, first, last) == (recipe.iterations // recipe.eval_every + 1, 0, recipe.iterations)
    measured = published.curves.drop(columns="train_acc")
    assert not measured.isna().any().any()
    assert np.isfinite(published.curves[records.LOSSES]).all().all()
    assert published.curves.loc[published.curves["iteration"] % 1000 == 0, "train_acc"].notna().all()


@studies
def test_every_summary_follows_from_its_curve(study):
    published = records.load(study)
    for key, curve in published.curves.groupby(KEYS):
        run = published.runs.set_index(KEYS).loc[key]
        stop = curve.loc[curve["val_loss"].idxmin()]
        assert run["early_stop_iteration"] == stop["iteration"]
        assert run["early_stop_test_acc"] == stop["test_acc"]
        assert run["early_stop_val_loss"] == pytest.approx(stop["val_loss"], abs=0)
        assert run["final_test_acc"] == curve["test_acc"].iloc[-1]


@studies
def test_keys_hash_specifications_that_name_the_run(study):
    runs = records.load(study).runs
    assert [hashlib.sha256(spec.encode()).hexdigest() for spec in runs["spec"]] == runs["key"].tolist()
    for _, run in runs.iterrows():
        spec = json.loads(run["spec"])
        assert {name: spec[name] for name in ("arm", "trial", "draw", "level")} == dict(
            run[["arm", "trial", "draw", "level"]]
        )
        assert spec["recipe"]["name"] == run["recipe"]


@studies
def test_counts_follow_the_ladder_exactly(study):
    for _, run in records.load(study).runs.iterrows():
        recipe = recipe_of(run)
        rung = ladder(skeleton(recipe), recipe.pruning, run["level"])[-1]
        remaining, prunable = json.loads(run["remaining"]), json.loads(run["prunable"])
        assert {names: sum(remaining[name] for name in names) for names in rung} == rung
        assert run["density"] == sum(remaining.values()) / sum(prunable.values())


@studies
def test_masks_are_shared_where_they_must_be(study):
    runs = records.load(study).runs
    tickets = runs[runs["arm"] == "ticket"].set_index(["recipe", "trial", "level"])["mask_sha256"]
    for _, run in runs[runs["arm"] == "reinit"].iterrows():
        assert run["mask_sha256"] == tickets[run["recipe"], run["trial"], run["level"]]
    pruned = tickets[tickets.index.get_level_values("level") > 0]
    assert pruned.is_unique  # every trial finds masks of its own
    assert set(runs[runs["level"] == 0]["arm"]) <= set(FROM_DENSE)


@studies
def test_input_connections_never_grow(study):
    """What the record keeps of nested masks: no pixel gains a connection from one level to the next."""
    runs = records.load(study).runs
    chains = runs[runs["arm"].isin(["ticket", "chain-reinit"]) & runs["input_connections"].notna()]
    for _, chain in chains.groupby(["recipe", "arm", "trial", "draw"]):
        connections = np.stack(chain.sort_values("level")["input_connections"].to_list())
        assert (np.diff(connections, axis=0) <= 0).all()
