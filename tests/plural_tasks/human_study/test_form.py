"""A rater's page in a real browser: headless Chromium, driven through chromedriver. Opt in with -m slow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from plural_tasks.human_study import Key, export, read_returned
from plural_tasks.pairwise import Pair
from tests.plural_tasks.human_study.study import HOSTILE, made, pairs
from tests.plural_tasks.human_study.webdriver import Browser, browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser() is None, reason="needs chromium and chromedriver (Debian: chromium, chromium-driver)"),
]
RIGHT, ENTER, SPACE = "\ue014", "\ue007", " "


@pytest.fixture
def study(tmp_path) -> tuple[Key, Path]:
    key = made(tmp_path / "study", count=4, spare=2, raters=2, per_pair=2, checks=1)
    return key, tmp_path / "study" / "for_raters" / "rater-01.html"


def fetched(path: Path) -> Path:
    for _ in range(100):
        if path.exists():
            return path
        time.sleep(0.1)
    raise AssertionError(f"{path} was not downloaded")


def test_a_page_is_filled_in_with_the_keyboard_and_what_it_saves_is_imported(study, tmp_path) -> None:
    key, page = study
    with Browser(downloads=tmp_path) as window:
        window.open(page)
        assert window.text("#progress-text") == "0 of 5 answered"
        window.click("#start")
        keys = ["1", "2", "0", "2", "1"]
        for number, one in enumerate(keys, start=1):
            assert window.text("#pair-title") == f"Pair {number} of 5"
            window.press(one, RIGHT)
        assert window.text("#done-title") == "Your answers"
        window.click("#download-json")
        window.click("#download-csv")
        from_json = read_returned(fetched(tmp_path / "rater-01-answers.json"), key)
        from_csv = read_returned(fetched(tmp_path / "rater-01-answers.csv"), key)
        assert window.messages() == []
    assert list(from_json.choices.values()) == ["1", "2", "tie", "2", "1"]
    assert from_csv == from_json
    assert set(from_json.seconds) == set(from_json.choices)
    assert all(0.0 <= value < 30.0 for value in from_json.seconds.values())


def test_a_page_works_with_the_mouse_and_shows_what_was_chosen(study) -> None:
    _, page = study
    with Browser() as window:
        window.open(page)
        window.click("#start")
        window.click("label:nth-child(3) input[name=verdict]")
        assert window.run("return document.querySelector('#card-2').classList.contains('chosen')")
        window.click("label:nth-child(1) input[name=verdict]")
        assert not window.run("return document.querySelector('#card-2').classList.contains('chosen')")
        assert window.text("#progress-text") == "1 of 5 answered"
        window.press(ENTER)  # a chosen answer and Enter go on
        assert window.text("#pair-title") == "Pair 2 of 5"
        assert window.run("return document.activeElement.id") == "pair-title"
        assert not window.run("return document.querySelector('input:checked[name=verdict]')")


def test_a_page_cannot_be_sent_half_filled(study) -> None:
    _, page = study
    with Browser() as window:
        window.open(page)
        window.click("#start")
        window.press("1", RIGHT, "2", RIGHT, RIGHT, "0", RIGHT, RIGHT)
        assert window.text("#done-text").startswith("2 of 5 pairs are not answered yet.")
        assert window.text("#missing").split() == ["3", "5"]
        assert window.run("return document.querySelector('#download-json').disabled")
        window.click("#missing li:nth-child(2) button")
        assert window.text("#pair-title") == "Pair 5 of 5"


def test_answers_survive_closing_the_page(study) -> None:
    _, page = study
    with Browser() as window:
        window.open(page)
        window.click("#start")
        window.press("1", RIGHT, "2")
        window.open(page)
        assert window.text("#progress-text") == "2 of 5 answered"
        assert window.text("#start") == "Go on"
        window.click("#start")
        assert window.text("#pair-title") == "Pair 2 of 5"
        assert window.run("return document.querySelector('input:checked[name=verdict]').value") == "2"
        window.open(page.with_name("rater-02.html"))  # another rater on the same machine starts anew
        assert window.text("#progress-text") == "0 of 5 answered"


def test_shortcuts_can_be_switched_off(study) -> None:
    _, page = study
    with Browser() as window:
        window.open(page)
        window.click("#shortcuts")
        window.click("#start")
        window.press("1", RIGHT)
        assert window.text("#pair-title") == "Pair 1 of 5"
        assert window.text("#progress-text") == "0 of 5 answered"


def test_hostile_answers_are_shown_as_text_and_run_nothing(tmp_path) -> None:
    export(
        tmp_path / "s",
        [Pair("1", HOSTILE, "c", HOSTILE, "")],
        task="t",
        runs=("a", "b"),
        raters=1,
        per_pair=1,
        checks=0,
    )
    with Browser() as window:
        window.open(tmp_path / "s" / "for_raters" / "rater-01.html")
        window.click("#start")
        shown = {window.run(f"return document.querySelector('#answer-{n}').textContent") for n in (1, 2)}
        assert shown == {HOSTILE, "(This answer is empty.)"}
        assert window.run("return document.images.length") == 0
        assert window.run("return document.scripts.length") == 2
        assert window.messages() == []


def test_the_policy_of_the_page_refuses_what_it_does_not_hold(study) -> None:
    _, page = study
    with Browser() as window:
        window.open(page)
        window.run(
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s);"
            "const i = new Image(); i.src = 'http://127.0.0.1:9/x.png'; document.body.append(i);"
        )
        time.sleep(0.5)
        assert window.run("return window.ran") is None
        assert any("Content Security Policy" in one for one in window.messages())


@pytest.mark.parametrize(("width", "phone"), [(1280, False), (700, False), (390, True), (320, True)])
def test_nothing_sticks_out_sideways_and_the_choice_stays_in_sight(tmp_path, width, phone) -> None:
    long = Pair("1", "w" * 300, "c", "x" * 500, "long text\n" * 200)
    export(tmp_path / "s", [long, *pairs(1)], task="t", runs=("a", "b"), raters=1, per_pair=1, checks=0)
    with Browser(width=width, height=800, phone=phone) as window:
        window.open(tmp_path / "s" / "for_raters" / "rater-01.html")
        window.click("#start")
        sizes = window.run("return [document.documentElement.scrollWidth, innerWidth]")
        assert sizes[0] <= sizes[1]
        place = window.run(
            "const r = document.querySelector('#next').getBoundingClientRect(); return [r.bottom, innerHeight]"
        )
        assert place[0] <= place[1]


def test_without_storage_the_page_says_so_and_works(study, tmp_path) -> None:
    _, page = study
    with Browser(downloads=tmp_path) as window:
        window.devtools(
            "Page.addScriptToEvaluateOnNewDocument",
            source="Object.defineProperty(window, 'localStorage', {get() { throw new Error('no'); }});",
        )
        window.open(page)
        assert window.seen("#intro-saving")
        window.click("#start")
        window.press(*(key for one in "12012" for key in (one, RIGHT)))
        window.click("#download-json")
        saved = json.loads(fetched(tmp_path / "rater-01-answers.json").read_text())
        assert [one["verdict"] for one in saved["answers"]] == ["1", "2", "tie", "1", "2"]
