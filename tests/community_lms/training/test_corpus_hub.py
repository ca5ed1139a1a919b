"""Data sets of the Hub (a local server that the real clients talk to) are streamed, and refusals say what to do."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from community_lms.training.builders import BUILDERS, CorpusRequest, build
from community_lms.training.corpus import Corpus, stream
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.training.layouts import CONVERSATIONS, CULTURE, CULTURE_COLUMNS, PEOPLE
from tests.hub_server import HubServer

CARD = """---
configs:
- config_name: default
  data_files:
  - {split: tiktok, path: tiktok/culturebank_tiktok.csv}
  - {split: reddit, path: reddit/culturebank_reddit.csv}
---
"""
PRISM_CARD = """---
configs:
- {config_name: survey, data_files: survey.jsonl}
- {config_name: conversations, data_files: conversations.jsonl}
---
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        server.use(monkeypatch, tmp_path)
        yield server


def lines(rows: list[dict]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def table(rows: list[dict]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, CULTURE_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def told(corpus: Corpus) -> str:
    with pytest.raises(ModPluralError) as caught:
        list(stream(corpus))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_rows_come_at_their_revision(hub: HubServer) -> None:
    repo = hub.create("ann/talk", files={"data.jsonl": lines([{"comment": "the first text"}])})
    pinned = repo.resolve().oid
    hub.commit("ann/talk", {"data.jsonl": lines([{"comment": "changed since"}])})
    records = stream(Corpus(path="ann/talk", revision=pinned, community="ann"), part="all")
    assert [(record["community"], record["comment"]) for record in records] == [("ann", "the first text")]


def test_culturebank_has_all_its_splits(hub: HubServer, tmp_path: Path) -> None:
    files = {"README.md": CARD.encode(), "tiktok/culturebank_tiktok.csv": table(CULTURE[:1])}
    hub.create("SALT-NLP/CultureBank", files=files | {"reddit/culturebank_reddit.csv": table(CULTURE[1:])})
    builder = BUILDERS["culturebank"]
    tally = build(builder, CorpusRequest(path=builder.hub), tmp_path / "out.jsonl")
    assert (tally.read, tally.communities) == (6, {"africa": 1, "europe": 1})
    tally = build(builder, CorpusRequest(path=builder.hub, split="tiktok"), tmp_path / "out.jsonl")
    assert (tally.read, tally.communities) == (1, {"africa": 1})


def test_prism_joins_its_subsets(hub: HubServer, tmp_path: Path) -> None:
    files = {
        "README.md": PRISM_CARD.encode(),
        "survey.jsonl": lines(PEOPLE),
        "conversations.jsonl": lines(CONVERSATIONS),
    }
    builder = BUILDERS["prism"]
    hub.create(builder.hub, files=files)
    tally = build(builder, CorpusRequest(path=builder.hub), tmp_path / "out.jsonl")
    assert tally.communities == {"great_britain": 2}


def test_a_split_has_to_be_named_where_there_are_several(hub: HubServer) -> None:
    hub.create("ann/two", files={"train.jsonl": lines([{"comment": "abc"}]), "test.jsonl": lines([{"comment": "def"}])})
    assert "ann/two: has the splits train, test; say with 'split'" in told(Corpus(path="ann/two"))
    assert [record["comment"] for record in stream(Corpus(path="ann/two", split="test"), part="all")] == ["def"]
    assert "ann/two: cannot be read from the Hub" in told(Corpus(path="ann/two", split="dev"))


def test_one_that_is_not_there(hub: HubServer) -> None:
    assert "ann/gone: cannot be read from the Hub" in told(Corpus(path="ann/gone"))


def test_a_gated_one_says_what_to_do(hub: HubServer) -> None:
    hub.create("ann/closed", files={"data.jsonl": lines([{"comment": "abc"}])}, gated=True)
    message = told(Corpus(path="ann/closed"))
    assert "ann/closed" in message
    assert "hf auth login" in message


def test_offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import datasets.config
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path)
    assert "ann/talk: cannot be read from the Hub" in told(Corpus(path="ann/talk"))
