import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_study import SCRIPT, STUDY

from lth import cli, records
from lth.claims.paper import every
from lth.cli import train
from lth.paths import ROOT, records_dir
from lth.records import store
from lth.report import rerun
from lth.running import cluster, complete
from lth.studies import parameters
from lth.studies.catalogue import STUDIES


@pytest.fixture
def lth(monkeypatch, capfd):
    """Call the command in this process: (exit status, stdout, stderr)."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lth", *arguments])
        capfd.readouterr()
        try:
            cli.main()
            status = 0
        except SystemExit as end:
            status = end.code
        return status, *capfd.readouterr()

    return call


def refused(result, says: str, status: int = 1) -> None:
    """Assert one sentence on stderr and the status; usage errors are Typer's, framed and of status 2."""
    code, out, err = result
    text = " ".join(re.sub(r"[│╭╮╰╯─]", " ", err).split())
    assert code == status and out == "" and re.search(says, text), (code, out, err)
    assert "Traceback" not in err
    if status == 1:
        assert err.startswith("lth: ") and err.count("\n") == 1


def test_run_status_publish(tiny_study, scheduler, lth):
    status, out, _ = lth("status", "tiny")
    assert status == 0 and re.search(r"tiny\W+6\W+0\W+0\W+0\W+6\W.*known after", out)
    status, out, _ = lth("run", "tiny", "--scheduler", scheduler)
    assert status == 0 and out == "tiny: 6 runs trained, 6 complete; `lth publish tiny` makes records of them\n"
    status, out, _ = lth("run", "tiny", "--scheduler", scheduler)
    assert status == 0 and "0 runs trained" in out
    status, out, _ = lth("publish", "tiny")
    assert status == 0 and out.startswith(f"{records_dir() / 'tiny'} holds 6 runs; 0 of 6 are missing")
    status, out, _ = lth("status", "tiny", "--trials", "2")
    assert status == 0 and re.search(r"tiny\W+12\W+6\W+6\W+0\W+6\W+0:00:00", out)
    assert len(records.load("tiny").runs) == 6


def test_options_reach_the_study(tiny_study, scheduler, lth):
    options = ("--trials", "2", "--levels", "1", "--iterations", "8", "--rewind", "4", "--engine", "stacked")
    status, out, _ = lth("run", "tiny", *options, "--arms", "ticket,reinit:2", "--scheduler", scheduler)
    assert status == 0 and "12 runs trained" in out
    specs = [store.read(key).summary["spec"] for key in store.keys()]
    assert all('"iterations": 8' in spec and '"rewind": 4' in spec for spec in specs)


def test_status_of_all_studies(tiny_study, lth):
    status, out, _ = lth("status")
    assert status == 0 and all(name in out for name in STUDIES)


def test_status_with_a_corrupt_run(tiny_study, scheduler, lth):
    complete.train(tiny_study, scheduler=scheduler)
    key = tiny_study.runs()[0].key
    store.path(key).write_bytes(b"half")
    status, out, err = lth("status", "tiny")
    assert status == 0 and f"{key}.safetensors is corrupt" in err and "Traceback" not in err
    assert re.search(r"tiny\W+6\W+0\W+5\W+0\W+1\W", out)
    status, out, _ = lth("run", "tiny", "--scheduler", scheduler)
    assert status == 0 and "1 runs trained" in out


@pytest.mark.parametrize("command", ["run", "status", "publish"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("lennet",), "unknown study 'lennet': choose one of lenet"),
        (("tiny", "--arms", "winner"), "unknown arm 'winner': choose one of ticket, reinit"),
        (("tiny", "--arms", "reinit:0"), "draws of reinit must be"),
        (("tiny", "--trials", "0"), "trials must be a whole number of at least 1, not 0"),
        (("tiny", "--trials", "-3"), "trials .* not -3"),
        (("tiny", "--levels", "0"), "levels .* not 0"),
        (("tiny", "--iterations", "0"), "iterations .* not 0"),
        (("tiny", "--iterations", "-1"), "iterations .* not -1"),
        (("tiny", "--rewind", "99"), "rewind must lie between 0 and the 10 iterations, not 99"),
        (("tiny", "--levels", "60"), "ask for at most 42 levels"),
        (("tiny", "--engine", "steam"), "unknown engine 'steam': choose one of auto"),
        (("tiny", "--arms", "ticket:2"), "a trial has one ticket, not 2"),
    ],
)
def test_bad_values_end_with_one_sentence(tiny_study, lth, command, arguments, says):
    refused(lth(command, *arguments), says)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run",), "Missing argument"),
        (("run", "tiny", "--trails", "1"), "No such option: --trails.*--trials"),
        (("run", "tiny", "--trials", "many"), "'--trials': .*integer"),
        (("run", "tiny", "--levels", "1.5"), "'--levels': .*integer"),
        (("train", "tiny"), "No such command 'train'"),
    ],
)
def test_a_wrong_usage_ends_with_status_2(tiny_study, lth, arguments, says):
    refused(lth(*arguments), says, status=2)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--workers", "0"), "workers must be a whole number of at least 1, not 0"),
        (("--workers", "100000"), "workers must be at most 256, not 100,000"),
        (("--workers", "2", "--scheduler", "tcp://127.0.0.1:9"), r"leave out either workers \(2\) or 'tcp://127"),
        (("--device", "tpu"), "unknown device 'tpu': choose one of cpu, cuda"),
        (("--scheduler", ""), "no Dask scheduler answers at '': give an address such as tcp://HOST:8786"),
        (("--scheduler", "tcp://127.0.0.1:9"), "no Dask scheduler answers at 'tcp://127.0.0.1:9'"),
    ],
)
def test_what_cannot_be_run_is_told_before_anything_is_written(tiny_study, lth, arguments, says, monkeypatch):
    client = cluster.Client
    monkeypatch.setattr(cluster, "Client", lambda *a, **k: client(*a, **(k | {"timeout": 1})))
    refused(lth("run", "tiny", *arguments), says)
    assert store.keys() == set()


def test_damaged_records_are_told(tiny_study, scheduler, lth):
    complete.train(tiny_study, scheduler=scheduler)
    lth("publish", "tiny")
    file = records_dir() / "tiny" / "runs.parquet"
    content = file.read_bytes()
    commands = itertools.cycle(("status", "run", "publish"))
    for place in range(4, len(content) - 4, len(content) // 60):  # in the data, in the page headers, in the footer
        file.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        refused(lth(next(commands), "tiny"), "tiny/runs.parquet is not what was published")
    file.write_bytes(content)
    sums = file.with_name("SHA256SUMS")
    sums.write_bytes(bytes([sums.read_bytes()[0] ^ 128]) + sums.read_bytes()[1:])
    refused(lth("status", "tiny"), "tiny/curves.parquet is not what was published")
    sums.unlink()
    for command in ("status", "run", "publish"):
        refused(lth(command, "tiny"), "SHA256SUMS is missing.: restore it with git, or publish .* --replace")
    status, out, _ = lth("publish", "tiny", "--replace")
    assert status == 0 and "holds 6 runs" in out


def test_a_home_that_does_not_exist_is_told(lth, monkeypatch):
    monkeypatch.setenv("LTH_DATA", "~nobody-of-this-name/data")
    refused(
        lth("status", "quickstart"), "LTH_DATA names a home folder that does not exist, '~nobody-of-this-name/data'"
    )


def test_a_missing_data_set_is_told(tiny_mnist, monkeypatch, lth):
    monkeypatch.setitem(STUDIES, "tiny", STUDY)
    refused(lth("run", "tiny"), "MNIST is not in .*datasets: run `lth data mnist`")
    refused(lth("data", "mnits"), "unknown data set 'mnits': choose one of mnist, fashion-mnist, cifar10")


def test_a_corrupt_data_set_is_told(tiny_study, tiny_mnist, lth):
    path = tiny_mnist.path / "t10k-labels-idx1-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    refused(lth("run", "tiny"), "t10k-labels-idx1-ubyte is corrupt .*delete it and run `lth data mnist`")


@pytest.mark.parametrize("command", ["run", "publish"])
def test_an_unwritable_folder_is_told(tiny_study, data_dir, scheduler, lth, command):
    if command == "publish":
        complete.train(tiny_study, scheduler=scheduler)
    place = data_dir / {"run": "runs", "publish": "records"}[command]
    place.write_text("a file in the place of the folder")
    refused(lth(command, "tiny"), f"cannot write to {place}.*LTH_DATA")


def test_nothing_to_publish_is_told(tiny_study, lth):
    refused(lth("publish", "tiny"), "no run of the study 'tiny' is finished yet: `lth run tiny` trains it")


def test_tampered_records_are_told(tiny_study, scheduler, lth):
    complete.train(tiny_study, scheduler=scheduler)
    lth("publish", "tiny")
    (records_dir() / "tiny" / "runs.parquet").write_bytes(b"half")
    for command in ("run", "status", "publish"):
        refused(lth(command, "tiny"), "tiny/runs.parquet is not what was published")
    assert lth("publish", "tiny", "--replace")[0] == 0
    assert len(records.load("tiny").runs) == 6


def test_other_specifications_are_not_published_under_the_same_name(tiny_study, scheduler, lth):
    complete.train(tiny_study, scheduler=scheduler)
    assert lth("publish", "tiny")[0] == 0
    assert lth("run", "tiny", "--iterations", "8", "--scheduler", scheduler)[0] == 0
    refused(lth("publish", "tiny", "--iterations", "8"), "mixes 2 specifications of the recipe 'tiny'")


@pytest.mark.parametrize("command", [(), ("run",), ("publish",), ("claims",), ("figure",)])
def test_help_imports_nothing_that_takes_long(command):
    heavy = ("torch", "numpy", "pandas", "pyarrow", "pandera", "scipy", "numba", "dask", "distributed", "seaborn")
    script = f"import sys; sys.modules.update(dict.fromkeys({heavy})); from lth.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script, *command, "--help"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0 and "Usage" in done.stdout, done.stderr


def test_status_imports_what_it_needs(monkeypatch):
    """It reads published columns and kept summaries: no table library, nothing that trains on a cluster or draws."""
    heavy = ("pandas", "pandera", "numba", "dask", "distributed", "scipy", "matplotlib", "seaborn", "torchvision")
    script = f"import sys; sys.modules.update(dict.fromkeys({heavy})); from lth.cli import main; main()"
    monkeypatch.delenv("LTH_DATA", raising=False)
    done = subprocess.run(
        [sys.executable, "-c", script, "status"],
        check=False,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0 and re.search(r"lenet\W+1675\W+1675\W", done.stdout), done.stderr


def test_the_options_that_change_a_study_are_the_same_everywhere(tiny_study, lth, monkeypatch):
    """And they reach it by name, each as it is meant."""
    given = {"trials": 2, "levels": 1, "iterations": 8, "arms": "ticket", "rewind": 4, "warmup": 0}
    given |= {"recipes": "tiny", "engine": "stacked"}
    asked = []
    monkeypatch.setattr(parameters, "study", lambda name, **changes: asked.append(changes) or None)
    options = [text for name, value in given.items() for text in (f"--{name}", str(value))]
    monkeypatch.setattr(train, "_status", lambda study: [""] * 8)
    monkeypatch.setattr(complete, "train", lambda *_, **__: 0)
    for command in ("run", "status", "publish"):
        monkeypatch.setattr(sys, "argv", ["lth", command, "tiny", *options])
        with contextlib.suppress(AttributeError, SystemExit):  # there is no study to go on with
            cli.main()
    assert asked == [given] * 3


def test_the_options_of_a_figure_reach_its_notebook(tmp_path, lth, monkeypatch):
    asked = []
    monkeypatch.setattr(rerun, "rerun", lambda *arguments: asked.append(arguments) or "page.html")
    options = ("--trials", "2", "--arms", "ticket", "-p", "densities=[0.5, 0.1]", "-p", "study=tiny")
    assert lth("figure", "accuracy", *options) == (0, "page.html\n", "")
    name, given, to = asked[0]
    chosen = {"trials": 2, "arms": "ticket", "densities": [0.5, 0.1], "study": "tiny"}
    assert name == "accuracy" and {option: value for option, value in given.items() if value is not None} == chosen
    assert to == Path("figures/accuracy")
    assert lth("figure", "accuracy", "--to", str(tmp_path))[0] == 0 and asked[1][2] == tmp_path
    refused(
        lth("figure", "accuracy", "-p", "trials"), "a parameter is given as NAME=VALUE, such as -p trials=2, not as"
    )


def test_claims_as_json(data_dir, lth):
    status, out, _ = lth("claims", "--json")
    told = json.loads(out)
    assert status == 0 and [claim["id"] for claim in told] == list(every())
    names = ["id", "statement", "source", "claimed", "estimate", "low", "high", "n", "verdict", "note"]
    assert all(list(claim) == names for claim in told)
    assert {claim["verdict"] for claim in told} == {"not tested"} and told[0]["estimate"] is None


def test_claims_as_json_has_the_numbers_of_the_published_records(lth, monkeypatch):
    monkeypatch.delenv("LTH_DATA", raising=False)
    told = {claim["id"]: claim for claim in json.loads(lth("claims", "--json")[1])}
    assert told["L1"]["low"] < told["L1"]["estimate"] < told["L1"]["high"] and told["L1"]["n"] == 20
    shown = lth("claims")[1]
    assert f"{told['L1']['estimate']:.2f}" in shown and "nan" not in shown.lower() and "None" not in shown


def test_data_lists_the_data_sets(data_dir, tiny_mnist, lth):
    status, out, _ = lth("data")
    assert status == 0 and re.search(rf"^mnist +240 \+ 60 images +{tiny_mnist.path}\n", out)
    assert re.search(r"cifar10 +50,000 \+ 10,000 images +not fetched", out)
    refused(lth("data", "--from", "x"), "say which data set x holds: one of mnist, fashion-mnist, cifar10")


def test_a_kept_run_that_cannot_be_opened_is_trained_again_and_published(tiny_study, scheduler, lth):
    complete.train(tiny_study, scheduler=scheduler)
    path = store.path(tiny_study.runs()[0].key)
    path.unlink()
    path.symlink_to("nothing")
    status, out, err = lth("status", "tiny")
    assert status == 0 and f"{path.name} is corrupt (it is a link to nothing)" in err
    assert re.search(r"tiny\W+6\W+0\W+5\W+0\W+1\W", out)
    path.mkdir()
    status, out, err = lth("run", "tiny", "--scheduler", scheduler)
    assert status == 0 and "1 runs trained, 6 complete" in out and f"{path.name} is corrupt" in err.replace("\n", "")
    assert lth("publish", "tiny")[1].endswith("holds 6 runs; 0 of 6 are missing\n")


def test_help_names_the_commands(lth):
    status, out, _ = lth("--help")
    assert status == 0 and all(command in out for command in ("data", "run", "status", "publish", "figure"))


def test_a_process_of_its_own_ends_with_status_1(data_dir):
    done = subprocess.run(
        [sys.executable, SCRIPT, "run", "tiny", "--trials", "0"],
        env=os.environ | {"LTH_DATA": str(data_dir)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stderr == "lth: trials must be a whole number of at least 1, not 0\n"
