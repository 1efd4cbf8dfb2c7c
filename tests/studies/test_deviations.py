import json
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from fake import Fake
from pipeline import SMALL, deviating, pipeline, small_world
from tiny_study import STUDY, TINY

from lth import cli, pruning, records
from lth.datasets import loading
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level, walk
from lth.models import initialise, skeleton
from lth.recipes import RECIPES, Optimizer, Pruning
from lth.records import store
from lth.records.finished import HISTOGRAM_BINS
from lth.running import complete
from lth.running.worker import execute
from lth.runs import Run, stream
from lth.studies.catalogue import STUDIES
from lth.studies.deviations import CERTAIN, DEVIATIONS, PARTS, control, deviate
from lth.studies.parameters import study
from lth.training import Start, drift, stops, train

ENGINES = ("dense", "sparse", "stacked")


@pytest.fixture
def small(tmp_path, tiny_files):
    """A data folder and a network for pipeline.SMALL."""
    with small_world(tmp_path / "data", tiny_files):
        yield


@pytest.fixture(scope="module")
def protocol(tmp_path_factory, tiny_files):
    """The runs of the pipeline without deviations."""
    with small_world(tmp_path_factory.mktemp("protocol"), tiny_files):
        return deviating()


def same(one, other) -> bool:
    """Whether two sets of weights agree bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def same_runs(one, other) -> bool:
    """Whether two runs started from the same weights, took the same steps and were measured alike, bit for bit."""
    curves = [run.trained.curve for run in (one, other)]
    measured = all(column.tobytes() == curves[1][name].tobytes() for name, column in curves[0].items())
    return measured and all(same(a, b) for a, b in zip(one.trail, other.trail, strict=True))


# All of them


def test_no_deviation_is_the_main_path(small, protocol):
    same_recipe = deviate(SMALL, SMALL.name)
    assert same_recipe == SMALL and control() == "reinit"
    assert Run(same_recipe, "ticket", 0).key == Run(SMALL, "ticket", 0).key
    seen = pipeline(same_recipe, {"ticket": 1, "reinit": 1})
    assert seen.keys() == protocol.keys() and all(same_runs(run, protocol[place]) for place, run in seen.items())


def test_the_main_path_still_starts_where_it_did_when_the_first_records_were_published(monkeypatch):
    """Where LeNet's original weights lie, in 64 bins a layer, and the tickets that they were left in."""
    monkeypatch.delenv("LTH_DATA", raising=False)
    runs = records.load("lenet").runs
    run = runs[(runs["arm"] == "ticket") & (runs["trial"] == 1) & (runs["level"] == 0)].iloc[0]
    job = next_level(Chain(RECIPES["lenet"], 1, 0, {"ticket": 1}), TICKET, 0)[0]
    assert run["key"] == job.run.key and run["mask_sha256"] == pruning.digest(job.masks)
    for name, counts in json.loads(run["start_histogram"]).items():
        scaled = job.weights[name].double().numpy() / np.sqrt(2 / sum(job.weights[name].shape))
        assert np.histogram(np.clip(scaled, -4, 4), HISTOGRAM_BINS)[0].tolist() == counts


@pytest.mark.parametrize("name", DEVIATIONS)
def test_a_deviation_changes_the_fields_that_it_names(name):
    changed, deviation = asdict(deviate(TINY, "tiny", name)), DEVIATIONS[name]
    plain = asdict(TINY)
    differ = {k for k in plain if changed[k] != plain[k]} - {"pruning"}
    assert differ == set(dict(deviation.recipe))
    assert {k for k in plain["pruning"] if changed["pruning"][k] != plain["pruning"][k]} == set(dict(deviation.pruning))
    assert control(name) == deviation.control and (differ or deviation.pruning or deviation.control != "reinit")


def test_deviations_add_up_in_any_order():
    one, other = deviate(TINY, "all", *CERTAIN), deviate(TINY, "all", *reversed(CERTAIN))
    assert one == other == replace(
        TINY, name="all", preprocessing="standard", rewind=1, eval_every=917, initial_std=0.01, carry_optimizer=True,
        split_per_arm=True, pruning=replace(TINY.pruning, biases=True, lag=1),
    )  # fmt: skip
    assert control(*CERTAIN) == "chain-reinit"


def test_an_unknown_deviation_is_refused():
    with pytest.raises(LthError, match="unknown deviation 'pruned-bias': choose one of small-weights, .*pruned-biases"):
        deviate(TINY, "x", "pruned-bias")


@pytest.mark.parametrize("name", sorted(DEVIATIONS.keys() - {"small-weights", "standard-inputs", "epoch-measurements"}))
def test_the_dense_ticket_run_is_the_same_with_all_deviations_but_those_of_its_start(name, small, protocol):
    """Also where it is measured, and up to its last step: what a deviation does to pruning shows a level later."""
    assert same_runs(deviating(name, sittings=(1,))["ticket", 0], protocol["ticket", 0])


def test_an_interrupted_study_with_all_deviations_goes_on_as_if_nothing_had_happened(
    tiny_study, scheduler, monkeypatch
):
    """By the runner itself: levels 0 and 1 in one call, level 2 in the next, against a plain walk."""
    recipe = deviate(SMALL, "all", *(name for name in DEVIATIONS if name != "chain-control"))
    grids = (replace(STUDY.grids[0], draws={"ticket": 1, "reinit": 1, "chain-reinit": 1}),)
    monkeypatch.setitem(STUDIES, "tiny", replace(STUDY, recipes=(recipe,), grids=grids))
    assert complete.train(study("tiny", levels=2, arms="ticket"), scheduler=scheduler) == 3
    for run in study("tiny").runs():
        if run.level == 2:
            store.path(run.key).unlink(missing_ok=True)
    assert complete.train(study("tiny"), scheduler=scheduler) == 7
    for job, finished in walk(study("tiny").chains()[0], lambda job: execute([job])[0]):
        kept = store.read(job.run.key)
        assert all(column.tobytes() == kept.curve[name].tobytes() for name, column in finished.curve.items())
        assert kept.summary["mask_sha256"] == finished.summary["mask_sha256"]
        if job.run.arm != "reinit":
            assert same(kept.weights, finished.weights) and kept.moments.steps == finished.moments.steps
            assert same(kept.moments.first, finished.moments.first)
            assert same(kept.moments.second, finished.moments.second)


# One by one


def test_small_weights_are_the_same_draws_on_another_scale(small, protocol):
    """Every layer, every arm and level, zero biases as ever."""
    seen = deviating("small-weights")
    for place in (("ticket", 0), *(("reinit", level) for level in range(3))):
        start = seen[place].trail[0]
        for i, (fan_in, fan_out) in enumerate([(784, 30), (30, 20), (20, 10)], 1):
            survivors = start[f"fc{i}.weight"][seen[place].job.masks[f"fc{i}.weight"]]
            assert survivors.std().item() == pytest.approx(0.01, rel=5 / (2 * survivors.numel()) ** 0.5)
            assert not start[f"fc{i}.bias"].any()
            if place[1] == 0:  # masks are the same there
                larger = protocol[place].trail[0][f"fc{i}.weight"] * 0.01 / (2 / (fan_in + fan_out)) ** 0.5
                torch.testing.assert_close(start[f"fc{i}.weight"], larger, rtol=1e-5, atol=0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("arm", ["reinit", "chain-reinit"])
@pytest.mark.parametrize("sittings", [(2,), (0, 1, 2)], ids=["at once", "in three sittings"])
def test_a_carried_optimizer_goes_on_where_the_level_before_it_ended(small, engine, arm, sittings):
    """Bit by bit, before a level's first step; between sittings nothing but the kept runs is there."""
    seen = pipeline(deviate(SMALL, SMALL.name, "carried-optimizer"), {"ticket": 1, arm: 1}, sittings, engine)
    for (name, level), run in seen.items():
        if level == 0:
            assert run.job.moments is None and run.began.steps == 0
            continue
        before = seen["chain-reinit" if name == "chain-reinit" else "ticket", level - 1].trained.moments
        assert run.began.steps == before.steps == 20 * level
        for part, left in ((run.began.first, before.first), (run.began.second, before.second)):
            for parameter, values in part.items():
                mask = run.job.masks.get(parameter, torch.ones(values.shape, dtype=torch.bool))
                assert torch.equal(values[mask], left[parameter][mask]) and values[mask].any()


@pytest.mark.parametrize("engine", ENGINES)
def test_otherwise_every_optimizer_is_fresh_and_no_moments_are_kept(small, engine):
    for run in deviating(engine=engine).values():
        assert run.job.moments is None and run.began.steps == 0
        assert not any(v.any() for v in (*run.began.first.values(), *run.began.second.values()))
        assert store.read(run.job.run.key).moments is None


def test_a_carried_optimizer_leaves_masks_weights_and_order_of_its_level(small, protocol):
    """The first batch and the weights it meets are the same; the step that Adam takes then is another."""
    run, fresh = deviating("carried-optimizer", sittings=(1,))["ticket", 1], protocol["ticket", 1]
    assert same(run.job.masks, fresh.job.masks) and same(run.trail[0], fresh.trail[0])
    assert run.trained.curve["val_loss"][0] == fresh.trained.curve["val_loss"][0]
    assert not same(run.trail[1], fresh.trail[1])


@pytest.mark.parametrize("engine", ENGINES)
def test_pruned_biases_go_at_their_layers_rate_and_stay_0(small, engine):
    """By hand: 30, 20 and 10 biases lose 40, 40 and 20 % a level, the weights what they lose anyway."""
    left = [(23_520, 30, 600, 20, 200, 10), (14_112, 18, 360, 12, 160, 8), (8467, 11, 216, 7, 128, 6)]
    names = [f"fc{i}.{kind}" for i in (1, 2, 3) for kind in ("weight", "bias")]
    seen = deviating("pruned-biases", engine=engine)
    for (_, level), run in seen.items():
        masks = run.job.masks
        assert pruning.remaining(masks) == dict(zip(names, left[level], strict=True))
        assert pruning.density(masks) == sum(left[level]) / 24_380
        for weights in run.trail:
            assert all(not weights[name][~mask].any() for name, mask in masks.items())
        if level and run.job.run.arm == "ticket":
            before = seen["ticket", level - 1]
            for name in ("fc1.bias", "fc2.bias", "fc3.bias"):
                size, removed = before.trail[-1][name].abs(), before.job.masks[name] & ~masks[name]
                assert size[masks[name]].min() >= size[removed].max()
                assert (run.trail[-1][name] != 0).sum() <= masks[name].sum()
    assert seen["ticket", 2].trail[-1]["fc3.bias"].count_nonzero() == 6  # the others move


def test_pruned_biases_leave_the_weights_masks_of_level_1(small, protocol):
    masks = deviating("pruned-biases", sittings=(1,))["ticket", 1].job.masks
    assert all(torch.equal(masks[name], mask) for name, mask in protocol["ticket", 1].job.masks.items())


def test_the_chain_control_is_another_arm(small, protocol):
    assert control("chain-control") == "chain-reinit" and deviate(SMALL, SMALL.name, "chain-control") == SMALL
    seen = deviating("chain-control")
    assert {arm for arm, _ in seen} == {"ticket", "chain-reinit"}
    assert all(same_runs(seen["ticket", level], protocol["ticket", level]) for level in range(3))


def test_epoch_measurements_are_at_0_and_917_and_so_on_and_at_the_end(data_dir):
    recipe = deviate(replace(TINY, iterations=2000, train_eval_every=1000), "tiny", "epoch-measurements")
    assert stops(recipe) == [0, 917, 1834, 2000]
    trial = loading.load(recipe, stream(0, 0, "split"))
    run = Run(recipe, "ticket", 0)
    start = Start({}, {}, run.stream("order"), run.stream("augmentation"))
    curve = train(recipe, [trial], [start], Fake)[0].curve
    assert curve["iteration"].tolist() == [0, 917, 1834, 2000]
    assert (~np.isnan(curve["train_acc"])).tolist() == [True, False, False, True]
    # Fake's step i costs 10 i: the means of steps 1 to 917, 918 to 1834 and 1835 to 2000
    np.testing.assert_allclose(curve["train_loss"][1:], [4590, 13_760, 19_175], rtol=1e-6)


def test_epoch_measurements_leave_the_steps_as_they_are(small, protocol):
    seen = deviating("epoch-measurements")
    for place, run in protocol.items():
        assert all(same(a, b) for a, b in zip(run.trail, seen[place].trail, strict=True))
        assert seen[place].trained.curve["iteration"].tolist() == [0, 20]
        assert seen[place].trained.curve["val_loss"][-1] == run.trained.curve["val_loss"][-1]


def test_standard_inputs_subtract_the_mean_and_divide_by_the_standard_deviation(data_dir):
    recipe = deviate(TINY, "tiny", "standard-inputs")
    trial, plain = (loading.load(r, stream(0, 0, "split")) for r in (recipe, TINY))
    expected = (trial.images.pixels / 255 - 0.1307) / 0.3081
    torch.testing.assert_close(trial.images.floats(slice(None)), expected, rtol=1e-5, atol=1e-6)
    assert torch.equal(trial.images.pixels, plain.images.pixels) and torch.equal(trial.validation, plain.validation)


def test_late_rewind_takes_the_weights_after_exactly_one_step(small, protocol):
    seen = deviating("late-rewind")
    dense = seen["ticket", 0].trail
    assert not same(dense[0], dense[1]) and not same(dense[1], dense[2])
    for level in (1, 2):
        run = seen["ticket", level]
        assert same(run.trail[0], pruning.apply(run.job.masks, dense[1]))
        fresh = initialise(skeleton(SMALL), seen["reinit", level].job.run.stream("initialisation"))
        assert same(seen["reinit", level].trail[0], pruning.apply(run.job.masks, fresh))  # controls are not rewound
    assert same(seen["ticket", 1].job.masks, protocol["ticket", 1].job.masks)


@pytest.mark.parametrize("arm", ["reinit", "chain-reinit"])
def test_an_unpaired_split_is_that_of_the_controls_alone(small, protocol, arm):
    seen = pipeline(deviate(SMALL, SMALL.name, "unpaired-split"), {"ticket": 1, arm: 1})
    for level in range(3):
        ticket, other = seen["ticket", level], seen[arm, level]
        assert same_runs(ticket, protocol["ticket", level])
        assert not torch.equal(other.data.validation, ticket.data.validation)
        assert torch.equal(other.data.validation, seen[arm, 0].data.validation)  # one split for all levels
        assert sorted((*other.data.train.tolist(), *other.data.validation.tolist())) == list(range(240))
        assert (
            other.job.start().order.initial_seed()
            == replace(other.job.run, recipe=SMALL).stream("order").initial_seed()
        )
    if arm == "reinit":
        assert same(seen[arm, 0].trail[0], protocol[arm, 0].trail[0])


def test_splits_of_arms_and_trials_differ_and_those_of_draws_do_not():
    apart = deviate(TINY, TINY.name, "unpaired-split")
    seed = {
        (arm, trial): Run(apart, arm, trial, level=1).split().initial_seed()
        for arm in ("ticket", "reinit", "chain-reinit")
        for trial in (0, 1)
    }
    assert len(set(seed.values())) == 6
    assert seed["ticket", 0] == Run(TINY, "reinit", 0).split().initial_seed() == stream(0, 0, "split").initial_seed()
    assert seed["reinit", 0] == Run(apart, "reinit", 0, draw=2, level=3).split().initial_seed()


@pytest.mark.parametrize("engine", ENGINES)
def test_lagging_scores_are_those_of_one_step_before(small, engine):
    seen = deviating("lagging-scores", engine=engine)
    kinds = {"fc1.weight": "linear", "fc2.weight": "linear", "fc3.weight": "output"}
    for level in (1, 2):
        before, run = seen["ticket", level - 1], seen["ticket", level]
        assert same(before.trained.weights, before.trail[-2]) and not same(before.trail[-2], before.trail[-1])
        for steps, equal in ((-2, True), (-1, False)):
            masks = pruning.prune(before.trail[steps], before.job.masks, kinds, SMALL.pruning)
            assert same(masks, run.job.masks) == equal
        assert same(seen["reinit", level].job.masks, run.job.masks)


def test_lost_weights_are_replaced_once_and_for_all(small, protocol):
    seen = deviating("lost-weights", sittings=(3,))
    drawn = initialise(skeleton(SMALL), stream(0, 0, "resumption"))
    for level in (2, 3):
        run = seen["ticket", level]
        assert same(run.trail[0], pruning.apply(run.job.masks, drawn))
        assert all(not (mask & ~seen["ticket", level - 1].job.masks[n]).any() for n, mask in run.job.masks.items())
    assert not torch.equal(drawn["fc1.weight"], protocol["ticket", 0].trail[0]["fc1.weight"])
    assert same(seen["ticket", 2].job.masks, protocol["ticket", 2].job.masks)  # masks are kept
    for place in (("ticket", 0), ("ticket", 1), ("reinit", 0), ("reinit", 1), ("reinit", 2)):
        assert same_runs(seen[place], protocol[place])


@pytest.mark.parametrize("arm", ["reinit", "chain-reinit"])
def test_lost_weights_take_a_carried_optimizer_with_them_at_that_level_only(small, arm):
    """It was in the process that was interrupted."""
    recipe = deviate(SMALL, SMALL.name, "lost-weights", "carried-optimizer")
    seen = pipeline(recipe, {"ticket": 1, arm: 1}, (3,))
    for name in ("ticket", arm):
        assert [seen[name, level].began.steps for level in range(4)] == [0, 20, 0, 20]
        assert seen[name, 2].job.moments is None
        assert not any(values.any() for values in seen[name, 2].began.second.values())


# A carried optimizer taken apart


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_of_the_carried_optimizer_is_what_its_name_says(small, engine, part):
    """Before the first step of a level, for ticket and control alike, against what the level before it left."""
    seen = pipeline(deviate(SMALL, SMALL.name, part), {"ticket": 1, "reinit": 1}, (0, 1, 2), engine)
    for (_, level), run in seen.items():
        if level == 0:
            assert run.began.steps == 0 and run.job.moments is None
            continue
        left = seen["ticket", level - 1].trained.moments
        assert left.steps == {"carried-moments": 20, "carried-steps": 20 * level, "shuffled-moments": 20 * level}[part]
        assert run.began.steps == {"carried-moments": 0}.get(part, left.steps)
        for name, values in run.began.first.items():
            mask = run.job.masks.get(name, torch.ones(values.shape, dtype=torch.bool))
            began = torch.stack([values[mask], run.began.second[name][mask]])
            before = torch.stack([left.first[name][mask], left.second[name][mask]])
            if part == "carried-steps":
                assert not began.any()
            elif part == "carried-moments":
                assert torch.equal(began, before) and began.any()
            else:  # the same pairs at other places
                assert sorted(map(tuple, began.T.tolist())) == sorted(map(tuple, before.T.tolist()))
                assert not torch.equal(began, before)


def test_moments_are_shuffled_alike_for_ticket_and_control_and_anew_at_every_level(small):
    seen = pipeline(deviate(SMALL, SMALL.name, "shuffled-moments"), {"ticket": 1, "reinit": 1})
    for level in (1, 2):
        assert same(seen["ticket", level].began.second, seen["reinit", level].began.second)
    assert not same(seen["ticket", 1].began.second, seen["ticket", 2].began.second)


def test_the_steps_of_a_carried_count_are_those_of_an_uncorrected_adam(small, protocol):
    """Moments of 0 that are hardly corrected: the first step is up to 0.1 / sqrt(0.001) times a fresh Adam's."""
    run, fresh = deviating("carried-steps", sittings=(1,))["ticket", 1], protocol["ticket", 1]
    name, mask = "fc1.weight", fresh.job.masks["fc1.weight"]
    step, corrected = (each.trail[1][name][mask] - each.trail[0][name][mask] for each in (run, fresh))
    moving = corrected.abs() > 0.999 * SMALL.optimizer.learning_rate  # elsewhere epsilon counts beside the gradient
    assert moving.sum() > 1000
    at_20 = (1 - 0.999**21) ** 0.5 / (1 - 0.9**21)  # what is left of the corrections after 20 steps
    torch.testing.assert_close(step[moving], corrected[moving] * 0.1 / 0.001**0.5 * at_20, rtol=1e-2, atol=0)


# How far weights go


def test_drift_by_hand():
    """Survivors (3, 4) went to (4, 3), those of the second layer nowhere; biases and what is masked do not count."""
    masks = {"a": torch.tensor([[True, True, False]]), "b": torch.ones(1, 1, dtype=torch.bool)}
    start = {"a": torch.tensor([[3.0, 4.0, 0.0]]), "b": torch.tensor([[-2.0]]), "bias": torch.tensor([1.0])}
    now = {"a": torch.tensor([[4.0, 3.0, 9.0]]), "b": torch.tensor([[-2.0]]), "bias": torch.tensor([7.0])}
    got = drift(Start(start, masks, torch.Generator(), torch.Generator()), now)
    assert got.keys() == {"a", "b"}
    assert got["a"] == pytest.approx({"scale": 12.5**0.5, "moved": 1.0, "cosine": 24 / 25}, rel=1e-12)
    assert got["b"] == pytest.approx({"scale": 2.0, "moved": 0.0, "cosine": 1.0}, rel=1e-12)


def test_the_drift_of_opposite_and_of_orthogonal_weights():
    start = Start({"a": torch.tensor([[1.0, 0.0]])}, {"a": torch.ones(1, 2, dtype=torch.bool)}, None, None)
    for now, cosine, moved in (([-2.0, 0.0], -1, 4.5**0.5), ([0.0, 1.0], 0, 1.0)):
        assert drift(start, {"a": torch.tensor([now])})["a"] == pytest.approx(
            {"scale": 0.5**0.5, "moved": moved, "cosine": cosine}, rel=1e-12, abs=1e-12
        )


def test_drift_is_measured_when_asked_and_changes_nothing(small, protocol):
    at = (1, 3, 7, 20, 30)
    seen = pipeline(replace(SMALL, drift_at=at), {"ticket": 1, "reinit": 1})
    for place, run in seen.items():
        rows = run.trained.drift
        assert [row["iteration"] for row in rows] == [1, 3, 7, 20]  # the last is after the end
        for row in rows:
            expected = drift(run.job.start(), run.trail[row["iteration"]])
            assert {name: row[name] for name in expected} == expected
        assert all(same(a, b) for a, b in zip(run.trail, protocol[place].trail, strict=True))
        for name, column in protocol[place].trained.curve.items():
            np.testing.assert_allclose(run.trained.curve[name], column, rtol=1e-6)
        assert json.loads(store.read(run.job.run.key).summary["drift"]) == rows
        assert protocol[place].trained.drift == []


@pytest.mark.parametrize("engine", ENGINES)
def test_steps_are_measured_when_asked_and_change_nothing(small, engine):
    """Against the weights before and after the step, and against the curve where that measures the same losses."""
    plain = pipeline(replace(SMALL, train_eval_every=4), {"ticket": 1, "reinit": 1}, engine=engine)
    seen = pipeline(replace(SMALL, steps_at=(1, 4, 7, 20, 30)), {"ticket": 1, "reinit": 1}, engine=engine)
    for place, run in seen.items():
        rows = run.trained.steps
        assert [row["iteration"] for row in rows] == [1, 4, 7, 20]  # the last is after the end
        for row in rows:
            before, after = run.trail[row["iteration"] - 1 : row["iteration"] + 1]
            for name, mask in run.job.masks.items():
                change = (after[name] - before[name])[mask].double()
                assert row[name] == pytest.approx(change.pow(2).mean().sqrt().item(), rel=1e-6) and row[name] > 0
        curve = run.trained.curve
        for row in (rows[1], rows[3]):
            where = curve["iteration"].tolist().index(row["iteration"])
            assert row["val_loss"] == pytest.approx(curve["val_loss"][where], rel=1e-6)
        assert all(same(a, b) for a, b in zip(run.trail, plain[place].trail, strict=True))
        assert json.loads(store.read(run.job.run.key).summary["steps"]) == rows
        assert plain[place].trained.steps == []


# What cannot be


def odd(monkeypatch, arms: str, levels: int = 3, **changes):
    """A study of these arms with such a recipe, asked for by name."""
    monkeypatch.setitem(STUDIES, "odd", replace(STUDY, name="odd", recipes=(replace(TINY, **changes),), levels=levels))
    return study("odd", arms=arms)


@pytest.mark.parametrize(
    ("arms", "changes", "says"),
    [
        ("ticket,oneshot", {"carry_optimizer": True}, "carry optimizer needs levels .* oneshot does not have: choose"),
        ("ticket,oneshot-reinit,oneshot", {"carry_optimizer": True}, "levels .*, which oneshot does not have"),
        ("ticket,random-mask", {"carry_optimizer": True}, "carry optimizer needs levels .* random-mask does not have"),
        ("ticket,oneshot-reinit", {"resume_level": 2}, "resume level needs levels .* oneshot-reinit does not have"),
        ("ticket,oneshot,chain-reinit", {}, "chain-reinit .* no control for oneshot: .*oneshot-reinit, or leave"),
        ("ticket,reinit", {"resume_level": -1}, "resume level must be a whole number of at least 0, not -1"),
        ("ticket,reinit", {"resume_level": 4}, "resume level must be at most the 3 levels, not 4"),
        ("ticket,reinit", {"resume_level": 1.5}, "resume level must .*not 1.5"),
    ],
)
def test_arms_and_levels_that_contradict_the_recipe_are_refused(tiny_study, monkeypatch, arms, changes, says):
    with pytest.raises(LthError, match=says) as refused:
        complete.check(odd(monkeypatch, arms, **changes).chains())
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: replace(TINY, carry_optimizer=True, optimizer=Optimizer("sgd")),
            "carry optimizer needs adam.* sgd",
        ),
        (lambda: Pruning("global", biases=True), "biases are pruned within their layer only: choose .* layer"),
        (
            lambda: replace(TINY, pruning=Pruning(lag=-1)),
            "pruning lag must be a whole number of at least 0, not -1",
        ),
        (lambda: replace(TINY, pruning=Pruning(lag=11)), "pruning lag .* 10 iterations, not 11"),
        (
            lambda: replace(TINY, initial_std=0),
            "initial std must be a number above 0 .*, or None for Gaussian Glorot, not 0",
        ),
        (lambda: replace(TINY, initial_std=-0.1), "initial std .*not -0.1"),
        (lambda: replace(TINY, initial_std=float("nan")), "initial std .*not nan"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(make, says):
    with pytest.raises(LthError, match=says):
        make()


def test_what_can_be_combined_is_not_refused(tiny_study, monkeypatch):
    complete.check(odd(monkeypatch, "ticket,reinit,chain-reinit", carry_optimizer=True, resume_level=3).chains())
    complete.check(odd(monkeypatch, "ticket,oneshot,oneshot-reinit,random-mask,reinit").chains())
    complete.check(odd(monkeypatch, "ticket,random-mask,oneshot", split_per_arm=True, initial_std=0.01).chains())


def test_the_command_refuses_them_in_one_sentence(tiny_study, monkeypatch, capfd):
    odd(monkeypatch, "ticket", carry_optimizer=True)
    monkeypatch.setattr(sys, "argv", ["lth", "run", "odd", "--arms", "ticket,oneshot"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    out, err = capfd.readouterr()
    assert end.value.code == 1 and out == "" and "Traceback" not in err
    assert err.startswith("lth: carry optimizer needs levels that follow each other") and err.count("\n") == 1
