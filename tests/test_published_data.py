import re
from pathlib import Path

import pytest

from tests.published_data import VARIABLE, published

TESTS = Path(__file__).parent


def test_without_the_variable_a_test_is_skipped_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (None, ""):
        monkeypatch.setenv(VARIABLE, value) if value is not None else monkeypatch.delenv(VARIABLE, raising=False)
        with pytest.raises(pytest.skip.Exception, match=r"MODPLURAL_TEST_DATA is not set.*\(moralchoice/a\.csv\)"):
            published("moralchoice/a.csv")


def test_a_copy_is_found_and_a_missing_one_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "moralchoice").mkdir()
    monkeypatch.setenv(VARIABLE, str(tmp_path))

    assert published("moralchoice") == tmp_path / "moralchoice"
    with pytest.raises(FileNotFoundError, match=r"there is no moralchoice/a\.csv"):
        published("moralchoice/a.csv")


def test_no_test_looks_for_files_beside_the_checkout() -> None:
    """Every path that starts from a test file and climbs stays in the checkout."""
    outside = []
    for path in TESTS.rglob("*.py"):
        depth = len(path.relative_to(TESTS.parent).parts) - 1
        text = path.read_text(encoding="utf-8")
        climbs = [(int(number), more) for number, more in re.findall(r"\.parents\[(\d+)\]((?:\.parent\b)*)", text)]
        outside += [path.name for number, more in climbs if number + more.count(".parent") > depth]
    assert outside == []
