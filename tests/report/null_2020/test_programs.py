import numpy as np
import pandas as pd
import pytest

from lth.claims.null_2020 import attribution
from lth.records.published import Records
from lth.report.null_2020 import programs


def runs(control: str) -> pd.DataFrame:
    """Three trials in which the control stops twice as late at every level and is half a point less accurate."""
    rows = [
        (arm, trial, level, (1 + trial) * stop, accuracy)
        for trial in range(3)
        for level in range(19)
        for arm, stop, accuracy in (("ticket", 1000, 0.98), (control, 2000, 0.975))
    ]
    frame = pd.DataFrame(rows, columns=["arm", "trial", "level", "early_stop_iteration", "early_stop_test_acc"])
    return frame.assign(recipe="program", draw=0)


def test_arms_are_compared_within_trials():
    late, ahead = programs.faster(runs("chain-reinit"), "chain-reinit"), programs.better(runs("reinit"), "reinit")
    assert (late.value, late.n) == (pytest.approx(2), 3) and late.low == pytest.approx(2)
    assert ahead.value == pytest.approx(0.5) and ahead.high == pytest.approx(0.5)


def test_tickets_of_other_trials_show_what_chance_does():
    frame = runs("reinit")
    frame = pd.concat([frame, frame[frame["trial"] == 0].assign(trial=3)])  # trials 0 and 1 against 2 and 3
    by_chance = programs.faster_by_chance(frame)
    assert by_chance.n == 2 and by_chance.value == pytest.approx(np.sqrt(3 / 1 * 1 / 2))
    assert programs.better_by_chance(frame).value == 0


def test_the_reports_curves_are_lines_with_what_is_hidden_filled_in():
    drawn = programs.lines(2, "p")
    assert set(drawn["line"]) == set(programs.LINES) and len(drawn) == 38
    assert drawn["mean"].between(96, 99).all()
    control = drawn[drawn["line"] == "report control"].set_index("percent")["mean"]
    assert control[80.0] == 98.14  # hidden under the ticket's


def test_the_report_is_compared_as_its_curves_are():
    tickets, controls = attribution.report(3).values
    late = controls[6:19] / tickets[6:19]
    assert programs.faster_in_report() == pytest.approx(float(np.exp(np.log(late).mean())))
    assert 1.05 < programs.faster_in_report() < 1.16 and 0.05 < programs.better_in_report() < 0.27


def test_plateaus_are_the_tickets_between_epochs_20_and_40():
    rows = [("ticket", 3, i, 0.9 + i / 1e6) for i in range(0, 60_000, 916)] + [("chain-reinit", 3, 20_000, 0.1)]
    curves = pd.DataFrame(rows, columns=["arm", "level", "iteration", "test_acc"])
    assert programs.plateaus(Records("p", curves, curves)) == {3: pytest.approx(90 + 100 * 30 * 916 / 1e6)}
    assert {level: round(percent) for level, (percent, _) in programs.plateaus_in_report().items()} == {
        3: 51,
        7: 21,
        11: 9,
        15: 4,
    }
    assert programs.plateaus_in_report()[15][1] == pytest.approx(97.04)
