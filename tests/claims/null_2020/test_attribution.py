import numpy as np
import pandas as pd
import pytest

from lth.claims.null_2020 import attribution
from lth.claims.null_2020.attribution import Curves, Shares, attribute, program_shares, report, shares
from lth.errors import LthError
from lth.statistics.bootstrap import MissingRecords


@pytest.fixture
def generator():
    return np.random.default_rng(0)


def made(generator, mean, spread=0.001, trials=20):
    return mean + spread * generator.standard_normal((trials, 19))


def seen(ticket, control):
    return Curves(np.stack([np.full(19, ticket), np.full(19, control)]), np.full((2, 19), 0.0002))


def test_the_reports_figures_are_read_and_hidden_points_lie_on_the_tickets_line():
    accuracy, stops = report(2), report(3)
    assert accuracy.values.shape == stops.values.shape == (2, 19)
    assert accuracy.values[0, 0] == 0.9809 and stops.values[1, 18] == 18586
    assert accuracy.values[1, 1] == accuracy.values[0, 1] and accuracy.errors[1, 1] == 0.0003
    assert accuracy.errors[0, 1] == 0.0002


def test_a_report_like_the_program_fits_and_one_that_lies_off_does_not(generator):
    ticket, control = made(generator, 0.98), made(generator, 0.975)
    close = shares(ticket, control, seen(0.98, 0.975), generator)
    assert close.closeness > 0.2 and close.arms > 0.2
    shifted = shares(ticket, control, seen(0.99, 0.985), generator)
    assert shifted.closeness < 0.001 and shifted.arms > 0.2
    coinciding = shares(ticket, control, seen(0.98, 0.98), generator)
    assert coinciding.arms < 0.001


def test_five_trials_of_the_program_itself_are_seldom_refused(generator):
    low = 0
    for _ in range(40):
        ticket, control = made(generator, 0.98), made(generator, 0.975)
        five = Curves(np.stack([ticket[:5].mean(0), control[:5].mean(0)]), np.full((2, 19), 0.0002))
        low += shares(ticket[5:], control[5:], five, generator).closeness < 0.05
    assert low <= 6


def test_fewer_trials_than_the_rule_needs_are_refused(generator):
    rows = [
        {"arm": arm, "trial": trial, "level": level, "early_stop_test_acc": 0.98, "final_test_acc": 0.98}
        | {"early_stop_iteration": 4000}
        for arm in ("ticket", "other")
        for trial in range(9)
        for level in range(19)
    ]
    with pytest.raises(MissingRecords, match="9 trials of other .* needs 10"):
        program_shares(pd.DataFrame(rows), "other", generator)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(0.5, 0.5, "both"), (0.5, 0.01, "A"), (0.01, 0.5, "B"), (0.01, 0.01, "neither")]
)
def test_the_report_goes_to_the_program_whose_shares_are_all_large_enough(a, b, expected):
    assert attribute({2: Shares(0.5, a)}, {2: Shares(0.5, b)}) == expected


def test_an_edited_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(attribution, "FILE", tmp_path / "figures.csv")
    with pytest.raises(LthError, match="restore"):
        report(2)
    (tmp_path / "figures.csv").write_text("figure,curve\n")
    with pytest.raises(LthError, match="SHA-256"):
        report(2)
