import pandas as pd

from lth.report import text


def test_a_data_frame_becomes_a_table_with_its_names_first():
    frame = pd.DataFrame({"runs": ["1,040"], "share": ["5 %"]}, index=["lenet"]).rename_axis("study")
    assert text.of_frame(frame) == "| study | runs | share |\n| --- | --- | --- |\n| lenet | 1,040 | 5% |"
