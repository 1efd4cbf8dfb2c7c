"""The committed records obey the rules of the experiment, number by number."""

import hashlib
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as parquet
import pytest

from lth import records
from lth.models import skeleton
from lth.paths import ROOT
from lth.recipes import Pruning, Recipe
from lth.records import audit, specs
from lth.records import published as records_published
from lth.studies import declared
from lth.studies import study as asked_for

RECORDS = ROOT / "data" / "records"
STUDIES = sorted(path.parent.name for path in RECORDS.glob("*/curves.parquet"))
studies = pytest.mark.parametrize("study", STUDIES)


@pytest.fixture(autouse=True)
def committed(monkeypatch):
    monkeypatch.delenv("LTH_DATA", raising=False)


def recipe_of(run) -> Recipe:
    """The recipe that a run's specification holds."""
    return specs.recipe_of(json.loads(run["spec"]))


def test_something_is_published():
    assert "lenet" in STUDIES


@studies
def test_nothing_contradicts_itself_and_every_run_is_declared(study):
    published = records.load(study)
    assert audit.contradictions(published) == []
    assert declared.others(published, asked_for(study).runs()) == []
    assert np.isfinite(published.curves[records_published.LOSSES]).all().all()
    assert not published.curves.drop(columns="train_acc").isna().any().any()


def test_reading_changes_no_file():
    files = sorted(RECORDS.glob("*/*"))
    before = {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in files}
    for study in STUDIES:
        assert len(records.load(study).runs) == parquet.read_metadata(RECORDS / study / "runs.parquet").num_rows
    assert {file: (file.stat().st_mtime_ns, hashlib.sha256(file.read_bytes()).digest()) for file in files} == before


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
def test_steps_are_there_where_the_recipe_asks_for_them(study):
    """Adam's first step in a fresh optimizer is at most a learning rate, whatever the gradients are."""
    for run in records.load(study).runs.to_dict("records"):
        recipe, text = recipe_of(run), run["steps"]
        rows = json.loads(text) if isinstance(text, str) else []
        assert [row["iteration"] for row in rows] == [i for i in recipe.steps_at if i <= recipe.iterations]
        layers = {name for name in json.loads(run["remaining"]) if not name.endswith("bias")}
        for row in rows:
            assert row.keys() == {"iteration", "train_loss", "val_loss"} | layers
            if row["iteration"] == 1 and (run["level"] == 0 or not recipe.carry_optimizer):
                assert all(0 < row[name] <= recipe.optimizer.learning_rate * (1 + 1e-4) for name in layers)


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
            eval_every=1, train_eval_every=1, drift_at=(), steps_at=(), pruning=Pruning(),
        )  # fmt: skip
        machine = run.get("machine"), run["engine"], run["device"]
        ends.setdefault((plain, plain.copy, run["trial"], machine), set()).add(run["final_test_acc"])
    assert all(len(accuracies) == 1 for accuracies in ends.values())
