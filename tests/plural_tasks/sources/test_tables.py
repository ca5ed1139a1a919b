from pathlib import Path

import pytest

from plural_tasks.sources.base import LocatedRow
from plural_tasks.sources.tables import member, read_table
from plural_tasks.utils.errors import ModPluralError


def refusal(path: Path, columns: list[str]) -> str:
    with pytest.raises(ModPluralError) as caught:
        list(read_table(path, columns))
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def test_rows_know_their_places(path: Path) -> None:
    path.write_text('\ufeffa,b\n1,"two\nlines"\n\n3,"say ""4"""\n', encoding="utf-8")

    rows = list(read_table(path, ["b"]))
    assert rows == [{"a": "1", "b": "two\nlines"}, {"a": "3", "b": 'say "4"'}]
    assert all(isinstance(row, LocatedRow) for row in rows)
    # the first row takes the lines 2 and 3, line 4 is blank
    assert [row.where for row in rows] == [f"{path}, row 1 (line 3)", f"{path}, row 2 (line 5)"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b\n1,2\n3\n", "{path}, row 2 (line 3): found 1 fields, expected 2."),
        (b"a,b\n1,2,3\n", "{path}, row 1 (line 2): found 3 fields, expected 2."),
        (b"a,c\n1,2\n", "{path}: the column 'b' is missing; found a, c."),
        (b"", "{path}: the column 'a' is missing; found none."),
        (b"a,b\n1,\xff\n", "{path}: is not UTF-8 text (byte 6)."),
        (b'a,b\n1,"2\n', "{path}:2: malformed CSV (unexpected end of data)."),
    ],
)
def test_faults_are_placed(content: bytes, message: str, path: Path) -> None:
    path.write_bytes(content)

    assert refusal(path, ["a", "b"]) == message.format(path=path)


def test_a_missing_file(path: Path) -> None:
    assert refusal(path, ["a"]) == f"{path}: cannot be read (No such file or directory)."


def test_a_parquet_table_without_the_column(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "table.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"a": [1, None], "b": ["x", "y"]}), path)

    assert refusal(path, ["c"]) == f"{path}: the column 'c' is missing; found a, b."
    assert [(row, row.where) for row in read_table(path, ["a"])] == [
        ({"a": 1}, f"{path}, row 1"),
        ({"a": None}, f"{path}, row 2"),
    ]


def test_member_keeps_the_layout_or_takes_files_side_by_side(tmp_path: Path) -> None:
    with pytest.raises(ModPluralError, match=rf"{tmp_path}: holds no data/a\.csv\."):
        member(tmp_path, "data/a.csv")
    (tmp_path / "a.csv").touch()
    assert member(tmp_path, "data/a.csv") == tmp_path / "a.csv"
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").touch()
    assert member(tmp_path, "data/a.csv") == tmp_path / "data" / "a.csv"
