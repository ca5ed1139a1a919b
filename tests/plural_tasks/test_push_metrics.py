"""Metric modules on the Hub: pushed to a local one, and loaded from it as a stranger loads them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from plural_tasks import evaluate_modules
from plural_tasks.utils.errors import ModPluralError
from tests.hub_server import HubServer


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.use(monkeypatch, tmp_path)
        yield server


def stranger(hub: HubServer, home, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh process that takes the local server for the Hub and has no token."""
    environment = hub.environment(home, token=None) | {"HF_UPDATE_DOWNLOAD_COUNTS": "0"}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)


@pytest.mark.slow
def test_a_stranger_loads_a_pushed_metric(hub, tmp_path) -> None:
    (done,) = evaluate_modules.push_modules("tester", ["tv_distance"]).values()
    assert done.changed
    assert done.url == f"{hub.url}/spaces/tester/tv_distance/commit/{done.revision}"
    code = (
        "import evaluate, json; metric = evaluate.load('tester/tv_distance');"
        "print(json.dumps(metric.compute(predictions=[[1.0, 0.0]], references=[[0.5, 0.5]])))"
    )
    ran = stranger(hub, tmp_path / "stranger", code)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == {"tv_distance": 0.5}
    assert any("/spaces/tester/tv_distance/resolve/main/tv_distance.py" in asked for asked in hub.requests)


@pytest.mark.slow
def test_without_the_package_the_stranger_is_told_what_to_install(hub, tmp_path) -> None:
    evaluate_modules.push_modules("tester", ["tv_distance"])
    code = "import sys; sys.modules['plural_tasks'] = None; import evaluate; evaluate.load('tester/tv_distance')"
    ran = stranger(hub, tmp_path / "stranger", code)
    assert ran.returncode == 1
    assert "pip install modplural" in ran.stderr


def test_all_are_pushed_once(hub) -> None:
    first = evaluate_modules.push_modules("tester")
    assert sorted(name for kind, name in hub.repos if kind == "space") == [
        f"tester/{name}" for name in evaluate_modules.MODULES
    ]
    assert all(done.changed for done in first.values())
    assert not any(done.changed for done in evaluate_modules.push_modules("tester").values())


def test_a_space_of_somebody_else_is_left_alone(hub) -> None:
    hub.create("tester/tv_distance", "space", files={"app.py": b"print()"})
    with pytest.raises(ModPluralError, match=r"^tester/tv_distance: holds files that .* did not put there \(app.py\)"):
        evaluate_modules.push_modules("tester", ["tv_distance"])


def test_files_that_a_new_space_comes_with_are_replaced(hub) -> None:
    hub.create("tester/tv_distance", "space", files={"README.md": b"", "index.html": b"", "style.css": b""})
    evaluate_modules.push_modules("tester", ["tv_distance"])
    files = hub.repo("tester/tv_distance", "space").files()
    assert sorted(files) == [".gitattributes", "README.md", "index.html", "requirements.txt", "tv_distance.py"]


def test_names_are_checked_before_anything_is_sent(hub) -> None:
    for owner, name, message in (
        ("tester", "tv_distanse", "Did you mean 'tv_distance'"),
        ("a/b", "tv_distance", "owner"),
    ):
        with pytest.raises(ModPluralError, match=message):
            evaluate_modules.push_modules(owner, ["js_distance", name])
    assert hub.requests == []
