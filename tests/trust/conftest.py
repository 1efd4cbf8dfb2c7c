"""How much is tried: a little in `make unit`, all of it in `make trust`; and how much it was."""

import os
from collections import Counter

import pytest
from hypothesis import HealthCheck, settings

SCALE = int(os.environ.get("LTH_TRUST", "1"))
TRIED: Counter = Counter()

settings.register_profile(
    "trust",
    max_examples=8 * SCALE,
    deadline=None,
    derandomize=SCALE == 1,  # what everybody's checks try is the same each time
    database=None,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("trust")


@pytest.fixture(scope="session")
def scale() -> int:
    """How many times as much is tried as in `make unit`."""
    return SCALE


@pytest.fixture
def tried():
    """Count a case: `tried("command lines")`."""
    return lambda what: TRIED.update([what])


def pytest_terminal_summary(terminalreporter):
    """Say how many cases of each kind were tried."""
    if SCALE > 1 and TRIED:
        counts = ", ".join(f"{count} {what}" for what, count in sorted(TRIED.items()))
        terminalreporter.write_line(f"Tried: {counts}.")
