"""What is said of a method goes by `Method.asks`, whatever the method is called."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from community_lms.messages.store import MessageStore
from model_wrappers.collaboration.methods import METHODS, Asks
from model_wrappers.collaboration.query import Query
from model_wrappers.collaboration.session import Session, Weighted
from plural_tasks.utils.errors import ModPluralError


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global Visit, check_source, estimate, Grid, lay_out
    from model_wrappers.doctor import Visit
    from model_wrappers.patching.rerun import check_source
    from model_wrappers.runs.estimate import estimate
    from model_wrappers.runs.grid import Grid, lay_out


class Newcomer:
    """A method that the code does not know: it asks as it is told, and answers with the task's own prompt.

    Model arguments take the names of the contract alone, so it stands in the registry under the name of another.
    """

    def __init__(self, name: str, asks: Asks) -> None:
        self.name, self.asks = name, asks

    def check(self, queries: Sequence[Query], session: Session) -> None:
        """Nothing is needed."""

    def contexts(self, queries: Sequence[Query], session: Session) -> list[list[Weighted]]:
        return [[Weighted(query.context)] for query in queries]


@pytest.fixture(params=[("vanilla", "all"), ("prompting", "one"), ("moe", "nobody"), ("modplural", "nobody")])
def method(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Newcomer:
    name, asks = request.param
    newcomer = Newcomer(name, asks)
    monkeypatch.setitem(METHODS, name, newcomer)
    return newcomer


def arguments(folder: Path) -> list[str]:
    """Two Overton documents: two questions for each of six communities."""
    settings = f"base=scripted,message_engine=scripted,pool=personas,messages={folder / 'm.sqlite'}"
    return ["--model_args", settings, "--tasks", "plural_embedded_overton", "--limit", "2"]


def test_estimate(method: Newcomer, tmp_path: Path) -> None:
    found = estimate(arguments(tmp_path), [method.name], (), measure=False)
    planned = [one.planned for one in found.messages.values()]
    assert planned == ([] if method.asks == "nobody" else [2] * 6)


def test_doctor(method: Newcomer, tmp_path: Path) -> None:
    assert Visit(arguments(tmp_path), [method.name]).asks_communities is (method.asks != "nobody")


def test_several_runs_ask_beforehand_for_those_that_need_every_message(method: Newcomer, tmp_path: Path) -> None:
    runs = lay_out([method.name], [], tmp_path / "out")
    Grid(runs, arguments(tmp_path), Console())._ask_communities(runs)
    stored = len(MessageStore(tmp_path / "m.sqlite"))
    assert stored == (2 * 6 if method.asks == "all" else 0)


def test_patch(method: Newcomer) -> None:
    own = {"method": method.name}
    run: Any = SimpleNamespace(path="results.json", data={"config": {"model": "modplural", "modplural": own}})
    if method.asks != "nobody":
        assert check_source(run) == own
        return
    with pytest.raises(ModPluralError, match=f"method '{method.name}' asks no community") as caught:
        check_source(run)
    assert str(caught.value).endswith(
        f"expected a run with method={'moe' if method.name == 'modplural' else 'modplural'}."
    )
