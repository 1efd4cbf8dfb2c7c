import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from claimed import SPEC, TRIALS, only, records

from lth.claims import rule
from lth.claims.further import FURTHER
from lth.claims.lenet import LENET
from lth.claims.networks import OTHERS
from lth.claims.rule import CLAIMS, evaluate, judge
from lth.errors import LthError
from lth.models import skeleton
from lth.pruning import ladder
from lth.recipes import RECIPES
from lth.statistics.bootstrap import Interval
from lth.studies.catalogue import STUDIES


def test_the_registry_is_complete_and_consistent():
    assert len(CLAIMS) == len((*LENET, *OTHERS)) and not CLAIMS.keys() & FURTHER.keys()  # no two claims share an id
    for claim in (*CLAIMS.values(), *FURTHER.values()):
        assert claim.study in STUDIES and claim.statement and claim.source
        assert claim.effect.compare and claim.levels and claim.tolerance > 0 and claim.rationale
        assert claim.number is not None or (claim.estimator == "range" and claim.size)
        assert set(claim.levels) <= set(claim.scan or claim.levels)
        known = {recipe.name for recipe in STUDIES[claim.study].recipes}
        assert {claim.recipe, claim.against_recipe or claim.recipe} <= known
        assert max(claim.scan or claim.levels) <= STUDIES[claim.study].levels


def test_levels_are_those_of_the_printed_densities():

    def densities(name):
        rungs = [sum(rung.values()) for rung in ladder(skeleton(RECIPES[name]), RECIPES[name].pruning, 25)]
        return 100 * np.array(rungs) / rungs[0]

    for claim, density in {"R2": 11.8, "R1-rate": 21.9, "V1-low-rate": 3.5, "V2": 1.5}.items():  # of all weights
        level, deep = CLAIMS[claim].levels[0], densities(CLAIMS[claim].study)
        assert abs(np.log(deep[level] / density)) < np.log(1.25) / 2 + 0.01

    lenet = densities("lenet")
    for claim, density in {"L1": 21.1, "L2": 13.5, "L3-speed": 3.6, "L7-ticket": 2.9, "L7-reinit": 21.1}.items():
        assert CLAIMS[claim].levels == (abs(lenet - density).argmin(),)
    for claim, most, least in (("L8", 67.5, 17.6), ("L9", 95, 5.17)):
        assert CLAIMS[claim].levels == tuple(np.flatnonzero((lenet < most) & (lenet > least)))
    for study, density in {"conv2": 8.8, "conv4": 9.2, "conv6": 15.1}.items():
        assert CLAIMS[f"C1-{study}"].levels == (abs(densities(study) - density).argmin(),)
        assert CLAIMS[f"C3-{study}"].levels == tuple(np.flatnonzero(densities(study)[1:] > 2) + 1)


def test_tolerances_follow_from_their_rationale():
    ratio = 0.3 * np.sqrt(2 / 5)
    assert CLAIMS["L1"].tolerance == pytest.approx(100 * 0.62 * ratio, abs=0.5)
    assert CLAIMS["L4"].tolerance == pytest.approx(2.51 * ratio, abs=0.005)
    assert CLAIMS["L2"].tolerance == pytest.approx(100 * np.sqrt(0.98 * 0.02 / 10_000 / 5) + 0.05, abs=0.02)
    assert (CLAIMS["L3-speed"].tolerance, CLAIMS["L3-accuracy"].tolerance) == (38 / 2, 0.3 / 2)


@pytest.mark.parametrize(
    ("id", "low", "high", "verdict"),
    [
        ("L1", 20, 26, "replicated"),  # 38 - 12 is just reached
        ("L1", 20, 25.9, "direction only"),
        ("L1", 60, 70, "replicated"),  # stronger than claimed is no miss
        ("L1", 0, 50, "inconclusive"),  # no effect is not excluded
        ("L1", -5, 0.1, "inconclusive"),
        ("L1", -5, 0, "not replicated"),  # nothing in the claimed direction is left
        ("L1", 0, 0, "not replicated"),
        ("L1", None, None, "inconclusive"),
        ("L2", 0.2, 0.5, "replicated"),
        ("L2", 0.19, 0.5, "direction only"),  # part of the interval breaks the bound
        ("L2", 0.6, 0.9, "replicated"),
        ("L6", 0.01, 0.45, "replicated"),
        ("L6", 0.01, 0.46, "direction only"),
        ("L6", -0.01, 0.3, "inconclusive"),
        ("L4", 1.5, 2.03, "replicated"),
        ("L4", 1.5, 2.02, "direction only"),
        ("L4", 2.99, 4, "replicated"),
        ("L4", 3.0, 4, "direction only"),  # two-sided: too large misses as well
        ("L4", 1.0, 3, "inconclusive"),
        ("L4", 0.5, 0.9, "not replicated"),  # below 1 is slower
        ("L3-speed", -19, 19, "replicated"),
        ("L3-speed", -20, 10, "inconclusive"),  # includes 0, but much else
        ("L3-speed", 1, 18, "replicated"),
        ("L3-speed", 19.5, 30, "not replicated"),
        ("L3-speed", -40, -19.5, "not replicated"),
        ("R2", -0.3, 2.0, "replicated"),  # better is no worse
        ("R2", -0.31, 0.1, "inconclusive"),
        ("R2", -0.9, -0.31, "not replicated"),
    ],
)
def test_the_rule_at_its_edges(id, low, high, verdict):
    assert judge(CLAIMS[id], Interval(low, high)) == verdict


def test_speed_and_accuracy_claims_recover_known_effects():
    stop = only("ticket", {7}, 0.6, 1.0)
    accuracy = only("ticket", {9}, 0.4, 0.0)
    runs = records(lambda a, n: 1.5 if (a, n) == ("reinit", 7) else stop(a, n), accuracy)
    faster = evaluate("L1", runs)
    assert (faster.verdict, faster.n) == ("replicated", TRIALS)
    assert faster.estimate == pytest.approx(40, abs=3) and faster.low < faster.estimate < faster.high
    assert faster.needed < TRIALS and re.search(r"mean of single trials: \d\d\.\d % earlier", faster.note)
    assert evaluate("L4", runs).estimate == pytest.approx(2.5, abs=0.1)
    assert re.search(r"mean of single trials: 2\.\d\d × as fast", evaluate("L4", runs).note)
    assert evaluate("L4", runs).verdict == evaluate("L2", runs).verdict == "replicated"
    assert evaluate("L2", runs).estimate == pytest.approx(0.4, abs=0.03)
    assert evaluate("L5", runs).verdict != "replicated"  # no difference at level 7 was put in
    assert evaluate("L3-speed", runs).verdict == evaluate("L3-accuracy", runs).verdict == "replicated"
    assert evaluate("L1", records(only("ticket", {7}, 0.85, 1.0))).verdict == "direction only"
    assert evaluate("L1", records(only("ticket", {7}, 1.5, 1.0))).verdict == "not replicated"


def test_the_best_level_is_found_and_bounded():
    best = evaluate("L6", records(accuracy=only("ticket", {9}, 0.3, 0.0)))
    assert best.verdict == "replicated" and "at level 9" in best.note
    assert best.estimate == pytest.approx(0.3, abs=0.03)
    assert evaluate("L6", records(accuracy=only("ticket", {9}, 0.9, 0.0))).verdict == "direction only"
    assert evaluate("L6", records(accuracy=only("ticket", {0}, 0.9, 0.0))).verdict == "not replicated"


@pytest.mark.parametrize(
    ("start", "verdict"), [(7, "replicated"), (9, "replicated"), (10, "direction only"), (2, "direction only")]
)
def test_the_level_from_which_accuracy_falls(start, verdict):
    found = evaluate("L7-reinit", records(accuracy=only("reinit", range(start, 26), -0.5, 0.2)))
    assert (found.estimate, found.verdict) == (start, verdict)


def test_accuracy_that_does_not_fall():
    better = evaluate("L7-ticket", records(accuracy=only("ticket", range(1, 26), 0.5, 0.0)))
    assert (better.estimate, better.verdict) == (None, "not replicated")
    recovers = evaluate("L7-ticket", records(accuracy=only("ticket", range(10, 25), -0.5, 0.0), noise=0.0))
    assert (recovers.estimate, recovers.verdict) == (None, "not replicated")  # back at the dense network's, exactly


@pytest.mark.parametrize(
    ("first", "last", "verdict"),
    [(2, 7, "replicated"), (4, 9, "replicated"), (2, 10, "direction only"), (5, 7, "direction only")],
)
def test_a_range_of_levels(first, last, verdict):
    found = evaluate("L8", records(only("oneshot", range(first, last + 1), 0.5, 1.2)))
    assert found.verdict == verdict and found.stretch == f"levels {first} to {last}"
    assert found.low < found.estimate < found.high


def test_a_range_that_is_none():
    assert evaluate("L8", records(only("oneshot", range(26), 1.5, 1.0))).verdict == "not replicated"


def test_ties_replicate_no_effect_and_nothing_else():
    runs = records(noise=0.0)
    verdicts = {id: evaluate(id, runs).verdict for id in CLAIMS if id.startswith("L")}
    assert {id for id, verdict in verdicts.items() if verdict == "replicated"} == {"L3-speed", "L3-accuracy"}
    assert evaluate("L1", runs).estimate == 0 and evaluate("L3-speed", runs).needed == 2


def test_one_trial_is_inconclusive():
    runs = records(only("ticket", {7}, 0.5, 1.0), trials=1)
    for id in (id for id in CLAIMS if id.startswith("L")):
        verdict = evaluate(id, runs)
        assert (verdict.verdict, verdict.n, verdict.low, verdict.needed) == ("inconclusive", 1, None, None)
    assert evaluate("L1", runs).estimate == pytest.approx(50, abs=6)


def test_partial_studies_say_how_many_trials_they_rest_on():
    runs = records()
    partial = runs[(runs["trial"] < 3) | (runs["level"] < 12)]
    assert (evaluate("L1", partial).n, evaluate("L6", partial).n) == (TRIALS, 3)
    assert f"3 of {TRIALS} trials complete" in evaluate("L6", partial).note
    assert "complete" not in evaluate("L1", partial).note


def test_what_has_no_records_is_not_tested():
    shallow = records(levels=8)
    assert evaluate("L1", shallow).verdict != "not tested"
    missing = evaluate("L2", shallow)
    assert missing.verdict == "not tested" and "no records of ticket of lenet at level 9" in missing.note
    assert evaluate("L8", shallow[shallow["arm"] != "oneshot"]).verdict == "not tested"
    assert evaluate("R1-rate", records()).verdict == evaluate("L1", pd.DataFrame()).verdict == "not tested"


def test_shortened_training_is_not_judged():
    short = records().assign(spec=SPEC.replace("50000", "10000"))
    assert evaluate("L1", short).verdict == "not tested" and "[10000] iterations" in evaluate("L1", short).note
    assert evaluate("L1", pd.concat([records(), short])).verdict == "not tested"


def test_a_verdict_from_a_copy_of_the_data_says_so():
    runs = records(levels=8)
    assert "copy" not in evaluate("L1", runs.assign(data="MNIST")).note
    assert evaluate("L1", runs.assign(data="MNIST (JPEG copy)")).note.endswith("; on MNIST (JPEG copy)")


def test_a_hole_in_the_levels_and_an_unknown_claim_are_refused():
    runs = records()
    with pytest.raises(LthError, match="ticket of lenet skip level 7"):
        evaluate("L1", runs[runs["level"] != 7])
    with pytest.raises(LthError, match="unknown claim 'L10'.*L1, L2"):
        evaluate("L10", runs)


def test_a_claim_is_judged_by_the_runs_of_its_recipe_or_of_the_one_named():
    faster, slower = (records(only("ticket", {7}, factor, 1.0)) for factor in (0.6, 1.5))
    both = pd.concat([faster, slower.assign(recipe="lenet-unit")])
    assert evaluate("L1", both) == evaluate("L1", faster)
    assert evaluate("L1", both, recipe="lenet-unit") == evaluate("L1", slower) != evaluate("L1", faster)
    assert evaluate("L1", slower.assign(recipe="lenet-unit")).verdict == "not tested"


def test_a_verdict_is_the_same_every_time_and_follows_the_records():
    runs = records(only("ticket", {7}, 0.6, 1.0))
    assert evaluate("L1", runs) == evaluate(CLAIMS["L1"], runs.sample(frac=1, random_state=1))
    changed = runs.copy()
    changed.loc[(runs["arm"] == "ticket") & (runs["level"] == 7) & (runs["trial"] == 0), "early_stop_iteration"] += 100
    assert evaluate("L1", changed).estimate != evaluate("L1", runs).estimate


def test_needed_trials_are_for_the_claimed_size_not_the_one_seen():
    runs = records(accuracy=only("ticket", {9}, 5.0, 0.0))
    weaker = replace(CLAIMS["L2"], number=0.03)
    assert evaluate("L2", runs).needed < 5 < evaluate(weaker, runs).needed
    fine = replace(CLAIMS["L3-accuracy"], tolerance=0.03)  # to show no difference, the margin is the size
    assert evaluate("L3-accuracy", runs).needed < 5 < evaluate(fine, runs).needed < 100


def test_what_only_the_tolerance_carries_is_noted():
    claimed, within = (evaluate("L1", records(only("ticket", {7}, part, 1.0))) for part in (0.6, 0.7))
    assert claimed.verdict == within.verdict == "replicated"
    assert (claimed.narrowly, within.narrowly) == (False, True)


def test_the_table_has_a_row_a_claim():
    table = rule.table({"lenet": records()}).set_index("claim")
    assert list(table.index) == list(CLAIMS)
    assert set(table.loc[table["study"] != "lenet", "verdict"]) == {"not tested"}
    assert "not tested" not in set(table.loc[table["study"] == "lenet", "verdict"])
    assert table.loc["L1", "claimed"] == "38 % earlier (±12)" and table.loc["L8", "claimed"] == "levels 2 to 7 (±2)"
    assert table.loc["L2", "claimed"] == "more than 0.3 pp (±0.1)"
    assert table.loc["L7-ticket", "claimed"] == "level 16 (±2)"
    assert table.loc["L3-speed", "claimed"] == "no difference (±19 %)"
    assert table.loc["L3-accuracy", "claimed"] == "no difference (±0.15 pp)"
    assert table["low"].dtype == float and table.loc["L1", "n"] == TRIALS
    assert set(rule.table({})["verdict"]) == {"not tested"}


def deep(net: str, better: dict[str, float], trials=TRIALS):
    """Made-up records of a study of several recipes, of which each is better than 90 % by so many pp at every level."""
    spec = json.dumps({"recipe": {"iterations": RECIPES[net].iterations}})
    return pd.concat(
        records(accuracy=lambda arm, level, pp=pp: pp if level and arm == "ticket" else 0.0, trials=trials).assign(
            recipe=name, spec=spec
        )
        for name, pp in better.items()
    )


def test_claims_on_several_recipes_of_a_study_compare_the_recipes_they_name():
    runs = deep("resnet18", {"resnet18": -0.1, "resnet18-low-rate": -0.8, "resnet18-warmup": 0.0, "resnet18-rewind": 1})
    rate = evaluate("R1-rate", runs)
    assert (rate.verdict, rate.n) == ("replicated", TRIALS) and rate.estimate == pytest.approx(-0.1, abs=0.03)
    assert evaluate("R1-low-rate", runs).estimate == pytest.approx(-0.8, abs=0.03)
    assert evaluate("R1-low-rate", runs).verdict == evaluate("R2", runs).verdict == "replicated"
    rewound = evaluate("S1-resnet18", runs)
    assert rewound.verdict == "replicated" and rewound.estimate == pytest.approx(1.1, abs=0.03)
    assert evaluate("S1-vgg19", runs).verdict == "not tested"
    worse = deep("resnet18", {"resnet18": 0.0, "resnet18-warmup": -1.0, "resnet18-rewind": -0.5})
    assert evaluate("R2", worse).verdict == evaluate("S1-resnet18", worse).verdict == "not replicated"
    assert evaluate("R1-low-rate", worse).verdict == "not tested"


def test_reinitialised_conv_networks_must_fall_later_than_at_first():
    spec = json.dumps({"recipe": {"iterations": RECIPES["conv2"].iterations}})
    for start, verdict in ((8, "replicated"), (1, "direction only"), (30, "not replicated")):
        runs = records(accuracy=lambda arm, level, start=start: 1.0 if arm == "reinit" and 0 < level < start else -1.0)
        level0 = runs.assign(recipe="conv2", spec=spec)
        level0.loc[level0["level"] == 0, "early_stop_test_acc"] = 0.98
        assert evaluate("C4-conv2", level0).verdict == verdict
