import numpy as np
import pandas as pd
import pytest

from evaluation.tables import DTYPES, read_csv, table, write_csv

ROWS = [
    ("NA", "digits", "", "invariance", "accuracy", "rotation", -90, "zero", 1 / 3, 0.1, 1.0, 540),
    ("null", "a,b", "x", "invariance", "accuracy", "hue", 0, "none", np.nan, np.nan, np.nan, 0),
    ("é", 'say "x"', "y", "equivariance", "s", "t", pd.NA, "circular", 1e-300, -0.1, np.pi, 10**12),
]


@pytest.fixture
def frame():
    return pd.DataFrame(ROWS, columns=list(DTYPES)).astype(DTYPES)


def test_reading_what_was_written_gives_back_every_bit_and_every_type(frame, tmp_path):
    write_csv(frame, tmp_path / "measurements.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "measurements.csv"), frame, check_exact=True)
    assert [file.name for file in tmp_path.iterdir()] == ["measurements.csv"]


def test_types_survive_when_every_strength_or_none_is_missing(frame, tmp_path):
    for rows in (frame[frame["strength"].isna()], frame[frame["strength"].notna()], frame[:0]):
        write_csv(rows, tmp_path / "measurements.csv")
        back = read_csv(tmp_path / "measurements.csv")
        pd.testing.assert_frame_equal(back, rows.reset_index(drop=True), check_exact=True)


class Interruption:
    def __str__(self):
        raise InterruptedError


def test_a_write_that_fails_halfway_leaves_the_old_file(frame, tmp_path):
    write_csv(frame, tmp_path / "measurements.csv")
    interrupted = frame.astype({"model": object})
    interrupted.loc[1, "model"] = Interruption()
    with pytest.raises(InterruptedError):
        write_csv(interrupted, tmp_path / "measurements.csv")
    pd.testing.assert_frame_equal(read_csv(tmp_path / "measurements.csv"), frame)


def test_another_table_is_refused_in_one_line(tmp_path):
    (tmp_path / "other.csv").write_text("model,score\na,1\n")
    with pytest.raises(ValueError, match=r"^expected the columns model,.* received model,score$"):
        read_csv(tmp_path / "other.csv")
    with pytest.raises(FileNotFoundError):
        read_csv(tmp_path / "missing.csv")


def test_no_cell_is_a_formula_to_a_spreadsheet_and_names_come_back_as_they_were(tmp_path):
    names = ["=1+1", "+1", "-1", "@sum", "\tx", "'quoted", "''=x", "plain", "NA"]
    rows = [
        {**dict.fromkeys(DTYPES, "x"), "model": name, "strength": 1, "value": -0.5, "n": 3}
        | {"low": -1.0, "high": 0.0}
        for name in names
    ]
    frame = table(rows)
    write_csv(frame, tmp_path / "table.csv")
    for line in (tmp_path / "table.csv").read_text().splitlines()[1:]:
        assert line.lstrip('"')[0] not in "=+-@\t"
    found = read_csv(tmp_path / "table.csv")
    assert found["model"].tolist() == names
    assert found["value"].tolist() == [-0.5] * len(names)
