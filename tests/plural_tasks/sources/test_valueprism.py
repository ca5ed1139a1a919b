from pathlib import Path

import pytest

from plural_tasks.schema import OvertonItem, SteerableItem, Value
from plural_tasks.sources import SOURCES, read_items
from plural_tasks.sources.fields import cluster_of
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.sources.samples import CONSIDERATIONS, valueprism

OVERTON, STEERABLE = SOURCES["overton_valueprism"], SOURCES["steerable_valueprism"]


def test_situations_gather_their_values_in_the_tables_order(tmp_path: Path) -> None:
    hall, noon = read_items(OVERTON, valueprism(tmp_path))

    assert hall == OvertonItem(
        id="1",
        question="painting the hall",
        cluster=cluster_of("painting the hall"),
        values=(
            Value(name="Joy", explanation="Colour cheers people up.", kind="value"),
            Value(name="Duty to ask", explanation="The hall belongs to all.", kind="duty"),
        ),
    )
    assert (noon.id, noon.question) == ("2", "mowing at noon")
    assert [value.kind for value in noon.values] == ["duty", "right"]  # type: ignore[union-attr]


def test_each_value_of_a_situation_has_a_stance(tmp_path: Path) -> None:
    items = read_items(STEERABLE, valueprism(tmp_path))

    # rows 1, 2, 3 and 5 of the table; the geese of row 4 are not for testing
    assert [(item.id, item.attribute, item.gold) for item in items if isinstance(item, SteerableItem)] == [
        ("1", "Joy", (0,)),
        ("2", "Duty to rest", (1,)),
        ("3", "Duty to ask", (2,)),
        ("5", "Right to one's lawn", (0,)),
    ]
    assert items[0].cluster == items[2].cluster != items[1].cluster
    assert items[0].question == (
        "painting the hall: does the value, right or duty “Joy” support this or oppose it, or could it do either?"
    )


def test_the_table_alone_gives_all_situations(tmp_path: Path) -> None:
    table = valueprism(tmp_path) / "full" / "full.csv"

    assert [item.question for item in read_items(OVERTON, table)] == [
        "painting the hall",
        "mowing at noon",
        "feeding geese",
    ]
    assert len(read_items(STEERABLE, table)) == 5


def test_rows_with_a_blank_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [("painting the hall", "Value", "", "Somebody said so.", "Either"), *CONSIDERATIONS]
    items = read_items(STEERABLE, valueprism(tmp_path, rows))

    assert [item.id for item in items] == ["2", "3", "4", "6"]
    assert caplog.messages == [f"{tmp_path / 'full' / 'full.csv'}: 1 rows lack a field and are left out."]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            ("mowing at noon", "Virtue", "Calm", "Noon is calm.", "Either"),
            "field 'vrd': found 'Virtue', expected one of value, right, duty.",
        ),
        (
            ("mowing at noon", "Value", "Calm", "Noon is calm.", "Neutral"),
            "field 'valence': found 'Neutral', expected one of Supports, Opposes, Either.",
        ),
    ],
)
def test_an_unknown_word_is_refused_with_its_row(row: tuple[str, ...], message: str, tmp_path: Path) -> None:
    source = OVERTON if "vrd" in message else STEERABLE
    folder = valueprism(tmp_path, [row])

    with pytest.raises(ModPluralError) as caught:
        read_items(source, folder)
    assert str(caught.value) == f"{folder / 'full' / 'full.csv'}, row 1 (line 2): {message}"


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    table = tmp_path / "full.csv"
    table.write_text("situation,vrd,text,valence\na,Value,b,Either\n")

    with pytest.raises(ModPluralError) as caught:
        read_items(OVERTON, table)
    assert str(caught.value) == (f"{table}: the column 'explanation' is missing; found situation, vrd, text, valence.")
