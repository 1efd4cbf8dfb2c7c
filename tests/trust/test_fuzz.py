"""Inputs that nobody thought of: what holds for all of them."""

import contextlib
import io
import json
import sys
from dataclasses import replace
from functools import partial
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import STUDY, TINY
from torch import nn

from lth import cli, pruning
from lth.errors import LthError
from lth.paths import runs_dir
from lth.recipes import Optimizer, Pruning
from lth.records.specs import recipe_of
from lth.report import page
from lth.runs import Run, stream
from lth.studies.from_file import read
from lth.studies.parameters import parse_arms, study

FLOATS = partial(st.floats, allow_subnormal=False)  # a library may have switched the others off in this process
RATES = FLOATS(0.01, 0.95)
SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=4)
WORDS = st.sampled_from(
    "|0|-1|1|2|1e3|nan|inf|ticket|ticket:0|../..|'|é|\t|[]|{}|None|--help-me|tiny|10**9|999999999999999999999".split(
        "|"
    )
)


def network(sizes) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes)))


@given(sizes=SIZES, linear=RATES, output=RATES, scope=st.sampled_from(["layer", "global"]), seed=st.integers(0, 99),
       few=st.booleans())  # fmt: skip
def test_a_level_removes_exactly_the_lowest(tried, sizes, linear, output, scope, seed, few):
    rule = Pruning(scope=scope, linear=linear, output=linear if scope == "global" else output)
    net, generator = network(sizes), torch.Generator().manual_seed(seed)
    kinds = pruning.prunable(net)
    weights = {name: torch.randn(value.shape, generator=generator) for name, value in net.named_parameters()}
    if few:  # values of which many are equal: ties go by index
        weights = {name: value.round() for name, value in weights.items()}
    masks = pruning.full_masks(net)
    for _ in range(3):
        after = pruning.prune(weights, masks, kinds, rule)
        for names, rate in pruning.groups(kinds, rule).items():
            left = sum(int(masks[name].sum()) for name in names)
            flat, old, new = (torch.cat([part[name].flatten() for name in names]) for part in (weights, masks, after))
            removed = old & ~new
            assert int(removed.sum()) == round(rate * left) and not (new & ~old).any()
            order = sorted(old.nonzero().flatten().tolist(), key=lambda i: (flat[i].abs().item(), i))
            assert set(order[: int(removed.sum())]) == set(removed.nonzero().flatten().tolist())
        masks = after
    tried("prunings")


@given(sizes=SIZES, linear=RATES, output=RATES, levels=st.integers(1, 12))
def test_a_ladder_is_its_rule_repeated_or_says_how_deep_it_goes(tried, sizes, linear, output, levels):
    net, rule = network(sizes), Pruning(linear=linear, output=output)
    tried("ladders")
    try:
        rungs = pruning.ladder(net, rule, levels)
    except LthError as error:
        possible = int(str(error).rsplit("at most ", 1)[1].split()[0])
        assert possible < levels and (not possible or len(pruning.ladder(net, rule, possible)) == possible + 1)
        return
    for names, rate in pruning.groups(pruning.prunable(net), rule).items():
        counts = [rung[names] for rung in rungs]
        assert all(after == before - round(rate * before) > 0 for before, after in pairwise(counts))


PLACES = st.tuples(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["split", "order", "mask"]),
                   st.sampled_from(["ticket", "reinit"]), st.integers(0, 3), st.integers(0, 9))  # fmt: skip


@given(one=PLACES, other=PLACES)
def test_streams_are_the_same_for_one_place_and_differ_for_two(tried, one, other):
    draws = [torch.randint(2**31, (4,), generator=stream(*place)).tolist() for place in (one, other, one)]
    assert draws[0] == draws[2] and (draws[0] == draws[1]) == (one == other)
    tried("streams")


CHANGES = {
    "iterations": st.integers(20, 99), "batch_size": st.integers(1, 60), "rewind": st.integers(0, 20),
    "eval_every": st.integers(1, 50), "augment": st.booleans(), "initial_std": st.none() | FLOATS(1e-3, 9),
    "preprocessing": st.sampled_from(["l2", "unit", "standard"]), "split_per_arm": st.booleans(),
    "drift_at": st.lists(st.integers(0, 20), max_size=3).map(tuple), "copy": st.sampled_from(["", "a copy"]),
    "optimizer": st.builds(Optimizer, learning_rate=FLOATS(1e-6, 9), momentum=FLOATS(0, 0.99)),
    "pruning": st.builds(Pruning, linear=RATES, output=RATES, biases=st.booleans(), lag=st.integers(0, 5)),
}  # fmt: skip


@given(changes=st.fixed_dictionaries({}, optional=CHANGES))
def test_a_specification_gives_its_recipe_again_and_another_recipe_another_key(tried, changes):
    plain = replace(TINY, iterations=20)
    recipe = replace(plain, **changes)
    run = Run(recipe, "ticket", 0)
    spec = json.loads(run.spec)
    assert Run(recipe_of(spec), "ticket", 0).key == run.key and recipe_of(spec) == recipe
    same = recipe == plain and recipe.copy == plain.copy
    assert (Run(plain, "ticket", 0).key == run.key) == same
    tried("specifications")


VALUES = st.recursive(
    st.booleans() | st.integers(-5, 10**12) | FLOATS() | st.text(max_size=9) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=4,
)
NAMES = (
    "name levels trials arms root_seed engine base network data iterations rewind batch_size preprocessing augment "
    "drift_at initial_std eval_every validation_size"
).split()


def toml(value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)} = {toml(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    text = json.dumps(value)
    return text if isinstance(value, str) else text.replace("NaN", "nan").replace("Infinity", "inf")


@given(
    top=st.dictionaries(st.sampled_from(NAMES[:6]), VALUES, max_size=2),
    recipe=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=3),
    parts=st.dictionaries(st.sampled_from(["optimizer", "pruning"]), VALUES, max_size=1),
)
def test_a_file_is_a_study_or_one_sentence(tried, tmp_path_factory, top, recipe, parts):
    path = tmp_path_factory.mktemp("toml") / "mine.toml"
    lines = [f"{name} = {toml(value)}" for name, value in top.items()]
    lines += ["[recipe]", *(f"{name} = {toml(value)}" for name, value in (recipe | parts).items())]
    path.write_text("\n".join(lines))
    try:
        assert read(path, parse_arms).counts
    except LthError as error:
        assert "\n" not in str(error)
    tried("TOML studies")


OPTIONS = ["--trials", "--levels", "--iterations", "--arms", "--rewind", "--warmup", "--recipes", "--engine", "--trial",
           "--level", "--device", "--workers", "--scheduler", "--from", "--to", "--nonsense"]  # fmt: skip
NONSENSE = st.sampled_from(["nan", "inf", "-1", "x" * 99, "../..", "'", "[]", "{}", "None", "999999999999999999999"])


@pytest.fixture
def world(data_dir, monkeypatch):
    """A data folder, the study "tiny", and no training at all."""
    from lth.running import complete
    from lth.studies.catalogue import STUDIES

    monkeypatch.setitem(STUDIES, "tiny", STUDY)
    monkeypatch.setattr(complete, "_train", lambda *_, **__: 0)
    return monkeypatch


def call(monkeypatch, arguments) -> tuple[int, str]:
    out, err = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "argv", ["lth", *arguments])
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
            return 0, err.getvalue()
        except SystemExit as end:
            return end.code, err.getvalue()


@given(command=st.sampled_from(["run", "status", "publish", "verify", "export", "data", "claims", ""]),
       before=st.lists(WORDS, max_size=1), option=st.sampled_from(OPTIONS), value=NONSENSE,
       others=st.lists(st.tuples(st.sampled_from(OPTIONS), WORDS), max_size=2))  # fmt: skip
def test_a_command_line_of_nonsense_ends_with_one_sentence(tried, world, command, before, option, value, others):
    arguments = [command, *before, option, value, *(text for pair in others for text in pair)]
    status, err = call(world, arguments)
    assert status in (1, 2), (status, arguments, err)
    assert "Traceback" not in err and (status == 2 or err.count("\n") == 1), err
    assert not runs_dir().exists() or not list(runs_dir().glob("*.safetensors"))
    tried("command lines")


PARAMETERS = ("study", "trials", "levels", "iterations", "arms", "rewind", "warmup", "recipes")
CELL = 'study: str = "tiny"  # the study\ntrials: int = None  # repetitions\nshow: list = None  # levels'


@given(given_=st.dictionaries(st.sampled_from([*PARAMETERS, "show", "trails", "engines"]), VALUES, max_size=2))
def test_parameters_of_a_notebook_make_a_page_or_one_sentence(tried, world, given_):
    added = "# Parameters\n" + "\n".join(f"{name} = {value!r}" for name, value in given_.items())
    namespace = {"In": ["", CELL, added], "nan": float("nan"), "inf": float("inf")}
    for cell in (CELL, added):
        exec(cell, namespace)
    try:
        made = page.of(namespace, "n", study="tiny", show=None)
        assert not {"trails", "engines"} & given_.keys() and made.study.counts
    except LthError as error:
        assert "\n" not in str(error)
    tried("parameters of notebooks")


@given(text=st.text(max_size=30))
def test_arms_are_counts_or_one_sentence(tried, text):
    try:
        assert all(count >= 1 for count in parse_arms(text).values())
    except LthError as error:
        assert "\n" not in str(error) or "\n" in text
    with contextlib.suppress(LthError):
        study(text)
    tried("arms")
