"""One process times one program: its name, the levels and the tickets come in as options, peak memory goes out."""

import resource
import sys
from pathlib import Path

import pytest
import torch
from programs import build

from lth.recipes import RECIPES


def pytest_addoption(parser):
    """What a process times comes in as options."""
    parser.addoption("--program", help="which program to time: see programs.py")
    parser.addoption("--recipe", default="lenet")
    parser.addoption("--levels", help="such as 0,3,7")
    parser.addoption("--tickets", type=Path, help="the file with the tickets, by level")


def pytest_generate_tests(metafunc):
    """One test for each level."""
    if "ticket" in metafunc.fixturenames:
        # Sparse first: peak memory is that of the whole process.
        levels = sorted(map(int, metafunc.config.getoption("levels").split(",")), reverse=True)
        metafunc.parametrize("ticket", levels, indirect=True, ids=lambda level: f"level{level}", scope="module")


@pytest.fixture(scope="module")
def ticket(request):
    """The job of one level's ticket."""
    return torch.load(request.config.getoption("tickets"), weights_only=False)[request.param]


@pytest.fixture(scope="module")
def recipe(request):
    """The recipe that is timed."""
    return RECIPES[request.config.getoption("recipe")]


@pytest.fixture(scope="module")
def program(request, recipe, ticket):
    """The program, warm: everything has run once, so nothing is left to compile."""
    torch.set_num_threads(1)
    made = build(request.config.getoption("program"), recipe, ticket)
    made.advance(2)
    if made.measure:
        made.measure()
    return made


def pytest_benchmark_update_json(config, benchmarks, output_json):
    """Peak memory goes out beside the times."""
    output_json["memory_mb"] = peak_memory()


def peak_memory() -> float:
    """The most memory this process has held, in MB. Linux's ru_maxrss would count what the parent process held, too."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
