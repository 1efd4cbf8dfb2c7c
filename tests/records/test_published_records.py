"""The committed records obey the rules of the experiment, number by number."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest

from lth import records
from lth.arms import ARMS
from lth.criteria import rounds_at_start
from lth.datasets import loading
from lth.models import prunable as kinds
from lth.models import skeleton
from lth.paths import ROOT
from lth.pruning import ladder
from lth.recipes import Optimizer, Pruning, Recipe
from lth.records import KEYS, contents
from lth.records import published as records_published

RECORDS = ROOT / "data" / "records"
STUDIES = sorted(path.parent.name for path in RECORDS.glob("*/curves.parquet"))
studies = pytest.mark.parametrize("study", STUDIES)
NESTED = (
    "ticket",
    "reinit",
    "oneshot",
    *(arm.name for arm in ARMS.values() if arm.has_own_chain),
)  # random masks are drawn anew at every level


@pytest.fixture(autouse=True)
def committed(monkeypatch):
    monkeypatch.delenv("LTH_DATA", raising=False)


def recipe_of(run) -> Recipe:
    """The recipe that a run's specification holds."""
    return as_recipe(json.loads(run["spec"])["recipe"])


def as_recipe(fields: dict) -> Recipe:
    optimizer = fields["optimizer"] | {"milestones": tuple(fields["optimizer"]["milestones"])}
    parts = {"optimizer": Optimizer(**optimizer), "pruning": Pruning(**fields["pruning"])}
    if fields.get("masks_from"):
        parts["masks_from"] = as_recipe(fields["masks_from"])
    return loading.shaped(Recipe(**fields | parts | {"drift_at": tuple(fields.get("drift_at", ()))}))


def multiples(step: int, recipe: Recipe) -> list[int]:
    """0, `step`, 2 `step`, … and the last iteration."""
    return sorted({*range(0, recipe.iterations, step), recipe.iterations})


def test_something_is_published():
    assert "lenet" in STUDIES


@studies
def test_every_run_has_all_its_measurements_and_no_nan(study):
    published = records.load(study)
    curves = dict(list(published.curves.groupby(KEYS)))
    assert len(curves) == len(published.runs)
    for run in published.runs.to_dict("records"):
        recipe, curve = recipe_of(run), curves[tuple(run[name] for name in KEYS)]
        assert curve["iteration"].tolist() == multiples(recipe.eval_every, recipe)
        also = set(multiples(recipe.train_eval_every, recipe))
        assert (curve["train_acc"].notna() == curve["iteration"].isin(also)).all()
    assert not published.curves.drop(columns="train_acc").isna().any().any()
    assert np.isfinite(published.curves[records_published.LOSSES]).all().all()


@studies
def test_every_summary_follows_from_its_curve(study):
    published = records.load(study)
    runs = published.runs.set_index(KEYS).to_dict("index")
    for key, curve in published.curves.groupby(KEYS):
        run = runs[key]
        stop = curve.loc[curve["val_loss"].idxmin()]
        assert run["early_stop_iteration"] == stop["iteration"]
        assert run["early_stop_test_acc"] == stop["test_acc"]
        assert run["early_stop_val_loss"] == pytest.approx(stop["val_loss"], abs=0)
        assert run["final_test_acc"] == curve["test_acc"].iloc[-1]


@studies
def test_every_row_holds_what_the_format_says(study):
    """As new rows are checked when they are published; above all a key hashes a specification that fits the row."""
    for run in records.load(study).runs.to_dict("records"):
        contents.check(run)


def test_reading_changes_no_file():
    files = sorted(RECORDS.glob("*/*"))
    before = {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in files}
    for study in STUDIES:
        assert len(records.load(study).runs) == parquet.read_metadata(RECORDS / study / "runs.parquet").num_rows
    assert {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in files} == before


@studies
def test_counts_follow_the_ladder_exactly(study):
    runs, rungs, sizes = records.load(study).runs, {}, {}
    for run in runs.to_dict("records"):
        recipe = recipe_of(run)
        if recipe not in rungs:
            net = skeleton(recipe)
            rungs[recipe] = ladder(net, recipe.pruning, runs["level"].max())
            numbers = {name: p.numel() for name, p in net.named_parameters()}
            sizes[recipe] = {name: numbers[name] for name in kinds(net, recipe.pruning.biases)}
        rung = rungs[recipe][run["level"]]
        remaining, prunable = json.loads(run["remaining"]), json.loads(run["prunable"])
        assert prunable == sizes[recipe]
        assert any(name.endswith("bias") for name in remaining) == recipe.pruning.biases
        assert {names: sum(remaining[name] for name in names) for names in rung} == rung
        assert run["density"] == sum(remaining.values()) / sum(prunable.values())


@studies
def test_masks_are_shared_where_they_must_be_and_nowhere_else(study):
    runs = records.load(study).runs
    masks = runs.set_index(["recipe", "trial", "level", "arm"])["mask_sha256"]
    borrowed = {arm.name: arm.mask for arm in ARMS.values() if arm.borrows_mask}
    for _, run in runs[runs["arm"].isin(borrowed)].iterrows():
        lender = (run["recipe"], run["trial"], run["level"], borrowed[run["arm"]])
        if lender in masks.index:
            assert run["mask_sha256"] == masks[lender]
    assert set(masks[masks.index.get_level_values("arm") == "reinit"]) <= set(masks.xs("ticket", level="arm"))
    own = runs[(runs["level"] > 0) & ~runs["arm"].isin(borrowed)]
    for (recipe, arm), found in own.groupby(["recipe", "arm"]):
        assert found["mask_sha256"].is_unique, (recipe, arm)  # every trial and level finds masks of its own
    chains = own[own["arm"] == "chain-reinit"]
    for (recipe, level), found in chains.groupby(["recipe", "level"]):
        tickets = own[(own["arm"] == "ticket") & (own["recipe"] == recipe) & (own["level"] == level)]
        assert not set(found["mask_sha256"]) & set(tickets["mask_sha256"])
    assert set(runs[runs["level"] == 0]["arm"]) <= {name for name, arm in ARMS.items() if arm.first_level == 0}


@studies
def test_drift_is_there_where_the_recipe_asks_for_it(study):
    for _, run in records.load(study).runs.iterrows():
        recipe, text = recipe_of(run), run.get("drift")
        rows = json.loads(text) if isinstance(text, str) else []
        assert [row["iteration"] for row in rows] == [i for i in recipe.drift_at if i <= recipe.iterations]
        layers = {name for name in json.loads(run["remaining"]) if not name.endswith("bias")}
        for row in rows:
            assert row.keys() == {"iteration"} | layers
            for name in layers:
                values = row[name]
                assert values["scale"] > 0 and values["moved"] >= 0 and -1 <= values["cosine"] <= 1 + 1e-9


@studies
def test_the_scale_of_fresh_weights_is_that_of_the_recipe(study):
    """What drift was measured from, at level 0 and after every new draw."""
    runs = records.load(study).runs
    for _, run in runs[(runs["level"] == 0) | (runs["arm"] == "chain-reinit")].iterrows():
        recipe = recipe_of(run)
        shapes = {name: p.shape for name, p in skeleton(recipe).named_parameters()}
        if recipe.drift_at:
            first, remaining = json.loads(run["drift"])[0], json.loads(run["remaining"])
            for name in first.keys() - {"iteration"}:
                std = recipe.initial_std or (2 / sum(shapes[name][:2]) / shapes[name][2:].numel()) ** 0.5
                assert first[name]["scale"] == pytest.approx(std, rel=5 / (2 * remaining[name]) ** 0.5)


@studies
def test_runs_that_differ_only_in_how_they_are_pruned_or_measured_have_the_same_dense_net(study):
    """The dense ticket of a trial ends alike in every recipe of a study that trains it alike."""
    runs = records.load(study).runs
    dense = runs[(runs["arm"] == "ticket") & (runs["level"] == 0)]
    ends = {}
    for _, run in dense.iterrows():
        plain = replace(
            recipe_of(run), name="plain", rewind=0, carry_optimizer=False, split_per_arm=False, resume_level=0,
            eval_every=1, train_eval_every=1, drift_at=(), pruning=Pruning(),
        )  # fmt: skip
        machine = run.get("machine"), run["engine"], run["device"]
        ends.setdefault((plain, plain.copy, run["trial"], machine), set()).add(run["final_test_acc"])
    assert all(len(accuracies) == 1 for accuracies in ends.values())


@studies
def test_input_connections_never_grow(study):
    """What the record keeps of nested masks: from one level to the next no layer and no pixel gains a connection.

    Before training, SynFlow's rounds lead to each level anew.
    """
    runs = records.load(study).runs
    anew = [rounds_at_start(recipe_of(run).pruning) > 1 for _, run in runs.iterrows()]
    nested = runs[runs["arm"].isin(NESTED) & ~np.array(anew)].sort_values("level")
    for _, chain in nested.groupby(["recipe", "arm", "trial", "draw"]):
        left = pd.DataFrame(chain["remaining"].map(json.loads).to_list())
        assert (left.diff().iloc[1:] <= 0).all(axis=None)
        if chain["input_connections"].notna().all():
            assert (np.diff(np.stack(chain["input_connections"].to_list()), axis=0) <= 0).all()
