"""The places that say what to install agree with each other."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from lth.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text())
EXTRAS = PROJECT["optional-dependencies"]
REQUIREMENTS = [Requirement(line) for lines in (PROJECT["dependencies"], *EXTRAS.values()) for line in lines]


def pins() -> dict[str, str]:
    """constraints.txt: canonical name -> exact version."""
    lines = [line.split("#")[0].strip() for line in (ROOT / "constraints.txt").read_text().splitlines()]
    return {canonicalize_name(name): version for name, version in (line.split("==") for line in lines if line)}


@pytest.mark.parametrize("requirement", REQUIREMENTS, ids=str)
def test_every_requirement_has_an_exact_pin_in_its_range(requirement):
    name = canonicalize_name(requirement.name)
    assert name in pins(), f"add {name} to constraints.txt"
    assert requirement.specifier.contains(pins()[name], prereleases=True)


def test_conda_installs_what_pyproject_asks_for():
    conda = [entry for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)]
    (pip,) = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    python = next(entry.split("=")[1] for entry in conda if entry.startswith("python="))
    assert ENVIRONMENT["name"] == PROJECT["name"] and "pip" in conda
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    editable, constraints = pip
    assert set(re.fullmatch(r"-e \.\[(.+)\]", editable)[1].split(",")) == set(EXTRAS)
    assert constraints == "-c constraints.txt"


def test_make_installs_the_same_extras_on_the_same_pythons():
    makefile = (ROOT / "Makefile").read_text()
    (extras,) = re.findall(r'-e "\.\[(.+)\]" -c constraints.txt', makefile)
    assert set(extras.split(",")) == set(EXTRAS)
    low, high = re.search(r"not \((3, \d+)\) <= .* < \((3, \d+)\)", makefile).groups()
    asked = SpecifierSet(f">={low.replace(', ', '.')},<{high.replace(', ', '.')}")
    assert asked == SpecifierSet(PROJECT["requires-python"])


def test_ci_runs_make_test_on_every_python():
    job = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]
    assert [step["run"] for step in job["steps"] if "run" in step] == ["make test PYTHON=python"]
    asked, tested = SpecifierSet(PROJECT["requires-python"]), job["strategy"]["matrix"]["python-version"]
    assert tested == [python for python in (f"3.{minor}" for minor in range(30)) if asked.contains(python)]
    assert os.access(ROOT / ".ci/run", os.X_OK) and "make test\n" in (ROOT / ".ci/run").read_text()


def make(*arguments: str) -> str:
    """What `make` prints."""
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_make_help_names_every_target():
    targets = [line.split()[1] for line in make("help").splitlines()]
    (phony,) = re.findall(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets == phony.split() and {"book", "test", "data", "lint", "unit", "nbval"} <= set(targets)


def workflows() -> dict[str, dict]:
    """The workflows by name."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github" / "workflows").glob("*.yml")}


def steps(workflow: dict) -> list[dict]:
    """What all of its jobs do."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_workflows_make_targets_that_there_are():
    targets = {line.split()[1] for line in make("help").splitlines()}
    for name, workflow in workflows().items():
        job = next(iter(workflow["jobs"].values()))
        asked = job.get("strategy", {}).get("matrix", {}).get("check", [])
        asked += [word for step in steps(workflow) for word in re.findall(r"make (\w+)", step.get("run", ""))]
        assert asked and set(asked) <= targets, name


def test_workflows_use_one_version_of_an_action():
    used = [step["uses"].split("@") for workflow in workflows().values() for step in steps(workflow) if "uses" in step]
    assert len(dict(used)) == len(set(map(tuple, used)))


def test_binder_installs_the_book_without_a_browser():
    binder = ROOT / "binder"
    lines = [line for line in (binder / "requirements.txt").read_text().splitlines() if not line.startswith("#")]
    assert lines[-1] == "-e .[book]" and not any("playwright" in name for name in EXTRAS["book"])
    constraints = next(line.split()[1] for line in lines if line.startswith("-c "))
    assert (binder / constraints).resolve() == ROOT / "constraints.txt"
    python = (binder / "runtime.txt").read_text().strip().removeprefix("python-")
    assert SpecifierSet(PROJECT["requires-python"]).contains(python)
    assert os.access(binder / "postBuild", os.X_OK)


def test_a_folder_that_was_moved_is_set_up_again(tmp_path):
    """The programs in .venv name the folder they were made in, and would use its code and data."""
    place = tmp_path / "a folder"
    (place / ".venv").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        (place / name).write_bytes((ROOT / name).read_bytes())
    asked = ["make", "-n", "data", f"PYTHON={sys.executable}"]
    for made, again in (("", False), (str(place), False), (str(tmp_path / "old"), True), (f"{place} 2", True)):
        (place / ".venv" / ".ready").write_text(f"{made}\n" if made else "")
        done = subprocess.run(asked, cwd=place, capture_output=True, text=True, check=True)
        assert ("pip install" in done.stdout) == again, made


@pytest.mark.parametrize(
    "setting", ["PIP_USER=1", "PIP_TARGET=x", "PIP_PREFIX=x", "PIP_ROOT=x", "PIP_NO_DEPS=1", "PIP_DRY_RUN=1",
                "PIP_REQUIRE_HASHES=1", "PIP_CONSTRAINT=x"],
)  # fmt: skip
def test_what_a_user_has_set_for_pip_does_not_lead_it_elsewhere(setting):
    name, _, value = setting.partition("=")
    (alone,) = re.findall(r"^PIP_ALONE := ((?:.*\\\n)*.*)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    replaced = dict(item.split("=") for item in alone.replace("\\\n", " ").split())
    assert replaced[name] != value and replaced[name] in ("", "0")


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_lines_end_the_same_way_on_every_machine():
    checked = ("Makefile", ".ci/run", "data/records/lenet/SHA256SUMS", "notebooks/claims.ipynb")
    told = subprocess.run(["git", "check-attr", "eol", *checked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert told.stdout.count("eol: lf") == len(checked)


def test_citations_agree_with_the_package():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    preferred = citation["preferred-citation"]
    zenodo = json.loads((ROOT / ".zenodo.json").read_text())
    assert {each["version"] for each in (citation, preferred, zenodo)} == {PROJECT["version"]}
    assert {each["license"] for each in (citation, preferred, zenodo)} == {"MIT"}
    assert citation["authors"] == preferred["authors"] == zenodo["creators"]
    assert (citation["title"], citation["keywords"]) == (zenodo["title"], zenodo["keywords"])
    assert preferred["title"] == yaml.safe_load((ROOT / "_config.yml").read_text())["title"]
    licence = (ROOT / "LICENSE").read_text()
    assert licence.startswith("MIT License") and f"Copyright (c) {preferred['year']} " in licence
