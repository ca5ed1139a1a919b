"""The human study: layout, blinding, and the page as a file."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import random
from collections import Counter
from html.parser import HTMLParser

import pytest

from plural_tasks.human_study import WORDING, export, load_wording
from plural_tasks.human_study.design import assign, design
from plural_tasks.human_study.form import render_form
from plural_tasks.pairwise import Pair
from plural_tasks.utils.errors import ModPluralError
from tests.plural_tasks.human_study.study import HOSTILE, data_of, made, pairs

# Layout


@pytest.mark.parametrize(
    ("n_pairs", "raters", "per_pair"), [(12, 4, 3), (10, 7, 3), (5, 5, 1), (100, 100, 3), (3, 2, 2)]
)
def test_loads_are_balanced_and_every_pair_has_different_raters(n_pairs, raters, per_pair) -> None:
    loads = assign(n_pairs, raters, per_pair, random.Random(0))
    sizes = [len(load) for load in loads]
    assert len(loads) == raters
    assert max(sizes) - min(sizes) <= 1
    assert sum(sizes) == n_pairs * per_pair
    assert all(len(set(load)) == len(load) for load in loads)
    assert set(Counter(pair for load in loads for pair in load).values()) == {per_pair}


def test_raters_are_mixed_anew_for_every_pair() -> None:
    loads = assign(60, 6, 2, random.Random(0))
    together = {frozenset(who for who, load in enumerate(loads) if pair in load) for pair in range(60)}
    assert len(together) >= 12  # of the 15 that six raters can form; fixed teams would be 3


@pytest.mark.parametrize(
    ("n_pairs", "raters", "per_pair", "message"),
    [
        (5, 2, 3, "--per_pair: found 3, expected 1 to 2"),
        (2, 9, 3, "--raters: 2 pairs x 3 ratings are 6, fewer than 9 raters"),
    ],
)
def test_numbers_that_do_not_fit_are_refused(n_pairs, raters, per_pair, message) -> None:
    with pytest.raises(ModPluralError, match=message):
        assign(n_pairs, raters, per_pair, random.Random(0))


def layout(seed: int = 0, count: int = 12, spare: int = 6, **changes):
    every = pairs(count + spare)
    settings = {"raters": 4, "per_pair": 3, "checks": 4, **changes}
    return design(every[:count], every[count:], seed=seed, **settings)


def test_sides_are_seeded_and_balanced_within_a_rater() -> None:
    assert layout(1) == layout(1)
    firsts = [[row.first for row in sheet.rows] for sheet in layout(1)]
    assert firsts != [[row.first for row in sheet.rows] for sheet in layout(2)]
    for sides in firsts:
        assert abs(sides.count("a") - sides.count("b")) <= 1
        assert sides.count(None) == 4
    first_rows = {layout(seed)[0].rows[0].first for seed in range(20)}
    assert first_rows == {"a", "b", None}


def test_the_key_says_which_answer_is_shown_first() -> None:
    by_id = {pair.id: pair for pair in pairs(18)}
    for sheet in layout():
        for shown, row in zip(sheet.shown, sheet.rows, strict=True):
            pair = by_id[row.pair]
            assert shown.item == row.item
            assert shown.situation == pair.situation
            if row.first is not None:
                assert shown.answers == ((pair.a, pair.b) if row.first == "a" else (pair.b, pair.a))


def test_attention_checks_are_a_real_answer_beside_words_of_other_situations() -> None:
    by_id = {pair.id: pair for pair in pairs(18)}
    rights, real_runs = set(), set()
    for sheet in layout():
        rated = {row.pair for row in sheet.rows if row.first}
        checks = [(shown, row) for shown, row in zip(sheet.shown, sheet.rows, strict=True) if row.check]
        assert len(checks) == 4
        for shown, row in checks:
            assert row.pair not in rated
            real, salad = shown.answers if row.check == "1" else shown.answers[::-1]
            pair = by_id[row.pair]
            assert real in (pair.a, pair.b)
            assert salad not in (pair.a, pair.b)
            assert str(row.pair.removeprefix("doc-")) not in salad.split()
            assert len(salad.split()) == 12
            rights.add(row.check)
            real_runs.add(real.split()[0])
    assert rights == {"1", "2"}
    assert real_runs == {"alpha", "beta"}


def test_checks_need_situations_that_their_rater_does_not_rate() -> None:
    with pytest.raises(ModPluralError, match="--checks: found 1, expected 0 at most"):
        layout(count=4, spare=0, raters=3, per_pair=3, checks=1)
    assert layout(count=4, spare=0, raters=4, per_pair=2, checks=1)  # two of four are free for each rater
    short = [Pair(str(number), f"s{number}", "c", "yes", "no") for number in range(4)]
    with pytest.raises(ModPluralError, match="8 words or more"):
        design(short, short, raters=2, per_pair=1, checks=1, seed=0)


# Blinding


def test_raters_files_hold_no_hint(tmp_path) -> None:
    key = made(tmp_path / "study")
    text = (tmp_path / "study" / "key.json").read_text()
    digests = {pair.digest for pair in key.pairs} | {hashlib.sha256(text.encode()).hexdigest()}
    files = sorted((tmp_path / "study" / "for_raters").iterdir())
    assert [path.name for path in files] == [f"rater-0{n}.{kind}" for n in (1, 2, 3, 4) for kind in ("csv", "html")]
    for path in files:
        content = path.read_text(encoding="utf-8").lower()
        assert not [
            word for word in ("modplural", "vanilla", "doc-", "cluster-", "attention", "seed") if word in content
        ]
        assert not [digest for digest in digests if digest in content or digest[:12] in content]
        assert "situation 1" in content


def test_a_page_says_the_texts_and_nothing_else(tmp_path) -> None:
    made(tmp_path / "study")
    for number in (1, 2, 3, 4):
        data = data_of((tmp_path / "study" / "for_raters" / f"rater-0{number}.html").read_text(encoding="utf-8"))
        assert set(data) == {"version", "study", "rater", "words", "items"}
        assert all(set(item) == {"id", "situation", "answers"} for item in data["items"])
        assert [item["id"] for item in data["items"]] == [f"{place:02d}" for place in range(1, len(data["items"]) + 1)]


def test_with_the_same_texts_everywhere_nobody_could_tell_two_raters_files_apart(tmp_path) -> None:
    same = [Pair(f"doc-{number}", "s", f"c{number}", "x", "x") for number in range(12)]
    export(tmp_path / "study", same, task="t", runs=("a", "b"), raters=4, checks=0)
    for kind in ("html", "csv"):
        contents = {
            (tmp_path / "study" / "for_raters" / f"rater-0{n}.{kind}").read_text().replace(f"rater-0{n}", "rater")
            for n in (1, 2, 3, 4)
        }
        assert len(contents) == 1


def test_the_name_of_a_study_does_not_come_from_its_seed(tmp_path) -> None:
    one, two = made(tmp_path / "one"), made(tmp_path / "two")
    assert one.study != two.study
    assert one.raters == two.raters
    assert one.model_copy(update={"study": two.study}) == two


# The page


class Elements(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs) -> None:
        self.found.append((tag, dict(attrs)))


def hostile_page() -> str:
    (sheet,) = design([Pair("1", HOSTILE, "c", HOSTILE, "plain")], [], raters=1, per_pair=1, checks=0, seed=0)
    return render_form("s1", "rater-1", sheet.shown, load_wording())


def test_hostile_answers_stay_text() -> None:
    page = hostile_page()
    elements = Elements(page).found
    assert [attributes.get("type") for tag, attributes in elements if tag == "script"] == ["application/json", None]
    assert not [tag for tag, _ in elements if tag == "img"]
    data = page.split('id="data">')[1].split("</script>")[0]
    assert not set("<>&\u2028") & set(data)
    (item,) = data_of(page)["items"]
    assert item["situation"] == HOSTILE
    assert sorted(item["answers"]) == sorted([HOSTILE, "plain"])


def test_hostile_wording_stays_text_too(tmp_path) -> None:
    wording = load_wording().model_copy(update={"title": HOSTILE, "question": HOSTILE, "intro": (HOSTILE,)})
    page = render_form("s1", "rater-1", (), wording)
    assert not [tag for tag, _ in Elements(page).found if tag == "img"]


def test_the_page_needs_nothing_from_outside_and_runs_one_script_only() -> None:
    page = hostile_page()
    elements = Elements(page).found
    ours = page.replace(json.dumps(HOSTILE)[1:-1], "")
    assert "http:" not in ours.replace("http-equiv", "")
    assert "https:" not in ours
    assert not [tag for tag, attributes in elements if {"src", "href", "action", "style"} & set(attributes)]
    assert not [tag for tag, _ in elements if tag in ("link", "iframe", "object", "base")]
    policy = next(str(attributes["content"]) for _, attributes in elements if "http-equiv" in attributes)
    script = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith("default-src 'none'; ")
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_every_control_of_the_page_has_a_name() -> None:
    page = hostile_page()
    ids = {attributes["id"] for _, attributes in Elements(page).found if "id" in attributes}
    labelled = [
        str(attributes["aria-labelledby"]) for _, attributes in Elements(page).found if "aria-labelledby" in attributes
    ]
    assert labelled
    assert set(labelled) <= ids
    for part in ('<html lang="en" dir="ltr">', "<legend>", "<noscript>", 'role="status"', "<h1 ", "<main "):
        assert part in page


def test_wording_is_checked(tmp_path) -> None:
    path = tmp_path / "mine.yaml"
    text = WORDING.read_text(encoding="utf-8")
    path.write_text(text.replace("language: en", "language: de").replace('start: "Start"', 'start: "Los"'))
    assert (load_wording(path).language, load_wording(path).start) == ("de", "Los")
    path.write_text(text.replace("start:", "strat:"))
    with pytest.raises(ModPluralError, match=r"mine.yaml: unknown field 'strat'\. Did you mean 'start'"):
        load_wording(path)


def test_tables_cannot_run_formulas(tmp_path) -> None:
    every = [Pair(str(n), "=1+1", f"c{n}", '=HYPERLINK("x")', "@SUM(A1)\nb") for n in range(2)]
    export(tmp_path / "s", every, task="t", runs=("a", "b"), raters=1, per_pair=1, checks=0)
    raw = (tmp_path / "s" / "for_raters" / "rater-01.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert len(rows) == 3
    cells = [cell for row in rows[1:] for cell in row[4:7]]
    assert all(cell.startswith("'") for cell in cells)
    assert "'@SUM(A1)\nb" in cells


def test_a_study_is_never_overwritten(tmp_path) -> None:
    made(tmp_path / "study")
    with pytest.raises(ModPluralError, match="is there already; raters may hold forms of it"):
        made(tmp_path / "study")
