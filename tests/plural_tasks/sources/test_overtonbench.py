import csv
from pathlib import Path

import pytest

from plural_tasks.schema import OvertonItem, Value
from plural_tasks.sources import SOURCES, read_items
from plural_tasks.sources.fields import cluster_of
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.sources.samples import VOICES, overtonbench

SOURCE = SOURCES["overton_overtonbench"]
GEESE = OvertonItem(
    id="7",
    question="Should geese be fed?",
    cluster=cluster_of("Should geese be fed?"),
    values=(
        Value(name="opinion cluster 0", explanation="Yes, in winter."),
        Value(name="opinion cluster 1", explanation="They find enough by themselves."),
        Value(name="opinion cluster 1", explanation="Only grain, no bread."),
    ),
)


def test_each_person_speaks_once_the_clusters_in_order(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = overtonbench(tmp_path)
    geese, bells = read_items(SOURCE, path)

    assert geese == GEESE  # ann is in the table once for each answer that she rated; dov said nothing
    assert (bells.id, len(bells.values)) == ("3", 1)  # type: ignore[union-attr]
    assert caplog.messages == [f"{path}: 1 answers of people without words or cluster are left out."]


def test_people_of_one_mind_count_each_and_a_person_once(tmp_path: Path) -> None:
    rows = [(3, "Should bells ring?", user, words, 0) for user, words in (("a", "No."), ("b", "No."), ("a", "Yes."))]

    (bells,) = read_items(SOURCE, overtonbench(tmp_path, rows))
    assert [value.explanation for value in bells.values] == ["No.", "No."]  # type: ignore[union-attr]


def test_the_same_table_as_csv(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["user", "votes", "question_id", "question", "freeresponse", "cluster_kmeans"])
        writer.writerows([user, "{}", id, question, words, cluster] for id, question, user, words, cluster in VOICES)

    assert read_items(SOURCE, path)[0] == GEESE


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ((7.5, "Should geese be fed?", "ann", "No.", 1.0), "question_id"),
        ((7.0, "Should geese be fed?", "ann", "No.", 0.5), "cluster_kmeans"),
    ],
)
def test_a_number_that_is_not_whole_is_refused(row: tuple[object, ...], field: str, tmp_path: Path) -> None:
    path = overtonbench(tmp_path, [(3.0, *VOICES[-1][1:]), row])

    with pytest.raises(ModPluralError) as caught:
        read_items(SOURCE, path)
    assert str(caught.value).startswith(f"{path}, row 2: field {field!r}: found ")


def test_people_without_a_cluster_are_left_out(tmp_path: Path) -> None:
    bob, cyd = (3, "Should bells ring?", "bob", "On Sundays.", 0.0), (3, "Should bells ring?", "cyd", "No.", None)
    path = overtonbench(tmp_path, [bob, cyd])

    assert [value.explanation for value in read_items(SOURCE, path)[0].values] == ["On Sundays."]  # type: ignore[union-attr]


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "broken.parquet"
    path.write_bytes(b"PAR1 and no more")

    with pytest.raises(ModPluralError, match=r"broken\.parquet: cannot be read as Parquet \("):
        read_items(SOURCE, path)
