import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from community_lms.evaluation.heatmap import _ink, heatmap

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    return [element.text or "" for element in ElementTree.parse(path).iter(f"{SVG}text")]


def test_values_names_and_titles_are_text_in_the_picture(tmp_path: Path) -> None:
    path = tmp_path / "map.svg"
    heatmap(
        path,
        [[1.0, 22.5], [None, math.nan]],
        ["left", "backbone"],
        ["left", "right"],
        title="Read",
        row_title="reader",
        column_title="text",
        form=".1f",
    )

    shown = texts(path)
    assert {"1.0", "22.5", "left", "right", "backbone", "Read", "reader", "text"} <= set(shown)
    assert not {"nan", "None"} & set(shown)


def test_the_cell_of_a_row_and_its_own_column_is_framed(tmp_path: Path) -> None:
    def frames(rows: list[str], columns: list[str]) -> int:
        heatmap(tmp_path / "map.svg", [[1.0, 2.0], [3.0, 4.0]], rows, columns, title="t")
        return len(re.findall("stroke: #d62728", (tmp_path / "map.svg").read_text()))

    assert frames(["a", "b"], ["a", "b"]) == 2
    assert frames(["b", "c"], ["a", "b"]) == 1
    assert frames(["x", "y"], ["a", "b"]) == 0


def test_the_same_table_gives_the_same_file(tmp_path: Path) -> None:
    for name in ("one.svg", "two.svg"):
        heatmap(tmp_path / name, [[1.0, 2.0]], ["a"], ["a", "b"], title="t", shades=[[0.0, 1.0]])

    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("shade", "ink"),
    [((1, 1, 1, 1), "black"), ((0, 0, 0, 1), "white"), ((0, 0.13, 0.31, 1), "white"), ((0.99, 0.91, 0.27, 1), "black")],
)
def test_figures_stand_out_from_their_cell(shade: tuple[float, ...], ink: str) -> None:
    assert _ink(shade) == ink
