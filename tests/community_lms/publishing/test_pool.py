"""A pool pushed over HTTP: its adapters first, then a manifest in which every member is pinned."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from community_lms.pools.pool import load_pool
from community_lms.publishing.pool import plan_pool, push_pool
from plural_tasks.utils.errors import ModPluralError
from tests.community_lms.publishing.published import BASE, make_adapter, pool_text
from tests.hub_server import HubServer

NAME = "tester/mine"
ENDPOINT = "  - {name: far, description: far away, endpoint: {backend: local-chat-completions, args: {%s}}}\n"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        server.create(BASE, "model", files={"config.json": b"{}"})
        yield server


@pytest.fixture
def path(tmp_path) -> Path:
    (tmp_path / "pool").mkdir()
    return pool_text(tmp_path / "pool")


def plan(path: Path, name: str = NAME, **options):
    return plan_pool(load_pool(str(path)), name, **options)


def manifest(hub: HubServer, name: str = NAME) -> dict:
    return yaml.safe_load(hub.repo(name, "model").files()["pool.yaml"])


def test_every_member_is_pinned(hub, path) -> None:
    done = push_pool(plan(path))
    assert list(done) == ["tester/mine-left", "tester/mine-right", NAME]
    base = {"path": BASE, "revision": hub.repo(BASE, "model").resolve().oid}
    found = manifest(hub)
    assert found["communities"] == [
        {
            "name": "left",
            "description": "people on the left",
            "adapter": {"path": "tester/mine-left", "revision": done["tester/mine-left"].revision},
            "backbone": base,
            "licence": "CC-BY-4.0",
            "corpus": "articles by readers",
            "prior_weight": 2.0,
        },
        {
            "name": "right",
            "description": "people on the right",
            "adapter": {"path": "tester/mine-right", "revision": done["tester/mine-right"].revision},
            "backbone": base,
            "licence": "MIT",
            "corpus": "articles by readers",
        },
        {"name": "neighbour", "description": "a neighbour", "persona": "You live next door.", "backbone": base},
    ]
    assert found["backbone"] == base
    assert found["decoding"] == {"temperature": 1.0, "top_p": 0.9, "max_new_tokens": 200}
    assert set(hub.repo(NAME, "model").files()) == {".gitattributes", "README.md", "pool.yaml"}


def test_a_branch_is_pinned_to_its_commit(hub, tmp_path) -> None:
    hub.create("ann/voice", "model", files={"adapter_config.json": b"{}"})
    old = hub.repo("ann/voice", "model").resolve().oid
    hub.repo("ann/voice", "model").refs["refs/tags/v1"] = old
    hub.commit("ann/voice", {"adapter_config.json": b"{ }"}, "model")
    file = tmp_path / "far.yaml"
    file.write_text(
        f"name: far\nbackbone: {BASE}\ncommunities:\n"
        "  - {name: a, description: d, adapter: {path: ann/voice, revision: v1}}\n"
        "  - {name: b, description: d, adapter: ann/voice}\n"
        f"  - {{name: c, description: d, adapter: {{path: ann/voice, revision: {'d' * 40}}}}}\n"
        "  - {name: e, description: d, persona: p, backbone: embedded}\n"
    )
    push_pool(plan(file))
    members = manifest(hub)["communities"]
    new = hub.repo("ann/voice", "model").resolve().oid
    assert [member["adapter"]["revision"] for member in members[:3]] == [old, new, "d" * 40]
    assert members[3]["backbone"] == {"path": "embedded"}


def test_the_card_names_the_commits(hub, path) -> None:
    done = push_pool(plan(path))
    card = ModelCard.load(NAME)
    assert "modplural-pool" in card.data.tags
    assert f"| tester/mine-left | `{done['tester/mine-left'].revision[:8]}` |" in card.text
    assert "/tmp" not in card.text


def test_a_push_repeated_has_nothing_to_upload(hub, path) -> None:
    first = push_pool(plan(path), tag="v1")
    hub.requests.clear()
    again = push_pool(plan(path), tag="v1")
    assert [done.changed for done in again.values()] == [False, False, False]
    assert {name: done.revision for name, done in again.items()} == {
        name: done.revision for name, done in first.items()
    }
    assert not [request for request in hub.requests if "/commit/" in request or request.startswith("PUT")]


def test_an_adapter_that_changed_is_the_only_one_sent(hub, path) -> None:
    first = push_pool(plan(path))
    import shutil

    shutil.rmtree(path.parent / "left")
    make_adapter(path.parent / "left", "left", value=9.0)
    load_pool.__globals__["read_pool"].cache_clear()
    second = push_pool(plan(path))
    assert [done.changed for done in second.values()] == [True, False, True]
    pinned = [member["adapter"]["revision"] for member in manifest(hub)["communities"][:2]]
    assert pinned == [second["tester/mine-left"].revision, first["tester/mine-right"].revision]


class TestCuts:
    def test_the_old_pool_stands_until_the_last_commit(self, hub, path, tmp_path) -> None:
        push_pool(plan(path))
        before = manifest(hub)
        (tmp_path / "newer").mkdir()
        newer = pool_text(tmp_path / "newer")
        for name in ("left", "right"):
            import shutil

            shutil.rmtree(newer.parent / name)
            make_adapter(newer.parent / name, name, value=7.0)
        hub.break_off("commit", at=2)  # left arrives, right does not
        with pytest.raises(ModPluralError, match="tester/mine-right: the push was cut off"):
            push_pool(plan(newer))
        assert manifest(hub) == before
        hub.mend()
        done = push_pool(plan(newer))
        assert [pushed.changed for pushed in done.values()] == [False, True, True]
        assert manifest(hub) != before

    def test_a_first_push_cut_off_leaves_no_pool(self, hub, path) -> None:
        hub.break_off("commit", at=2)
        with pytest.raises(ModPluralError):
            push_pool(plan(path))
        assert ("model", NAME) not in hub.repos

    def test_nothing_is_sent_when_a_member_cannot_be_pinned(self, hub, path) -> None:
        path.write_text(path.read_text() + "  - {name: gone, description: d, adapter: ann/gone}\n")
        expected = r"ann/gone: cannot be pinned, so nothing was pushed \(.*no such repository"
        with pytest.raises(ModPluralError, match=expected):
            push_pool(plan(path))
        assert list(hub.repos) == [("model", BASE)]


class TestNames:
    def test_from_a_template_and_given(self, hub, path) -> None:
        done = push_pool(plan(path, names="team/{pool}.{community}", given={"right": "tester/others"}))
        assert list(done) == ["team/mine.left", "tester/others", NAME]

    def test_two_in_one_place(self, path) -> None:
        with pytest.raises(ModPluralError, match="tester/same: two things would be pushed there"):
            plan(path, names="tester/same")
        with pytest.raises(ModPluralError, match=f"{NAME}: two things would be pushed there"):
            plan(path, names="{owner}/{pool}")

    def test_that_mean_nothing(self, path) -> None:
        with pytest.raises(ModPluralError, match=r"names '{people}': cannot be filled in"):
            plan(path, names="{people}")
        with pytest.raises(ModPluralError, match=r"unknown community 'rigth'\. Did you mean 'right'"):
            plan(path, given={"rigth": "a/b"})


class TestRefuses:
    @pytest.mark.parametrize(
        ("args", "name"),
        [
            ("api_key: abc", "api_key"),
            ("header: {Authorization: abc}", "header.Authorization"),
            ("base_url: 'https://ann:abc@example.org/v1'", "base_url"),
            ("extra: [sk-abcdefghijklmnopqrstuvwx]", "extra"),
        ],
    )
    def test_a_secret_of_an_endpoint(self, path, args, name) -> None:
        path.write_text(path.read_text() + ENDPOINT % args)
        with pytest.raises(ModPluralError, match=f"argument '{name}' looks like a credential") as caught:
            plan(path)
        assert "abc" not in str(caught.value)

    def test_but_not_a_number_of_tokens(self, path) -> None:
        path.write_text(path.read_text() + ENDPOINT % "max_tokens: 5, model: m, tokenizer: ann/base")
        assert plan(path).pool.communities[-1].endpoint.args["max_tokens"] == 5

    def test_nor_the_name_of_a_variable(self, path) -> None:
        args = "model: m, base_url: 'http://example.org/v1', api_key_env: MY_KEY"
        path.write_text(path.read_text() + (ENDPOINT % args).replace("local-chat-completions", "server"))
        assert plan(path).pool.communities[-1].endpoint.args["api_key_env"] == "MY_KEY"

    def test_a_server_of_this_network(self, path) -> None:
        path.write_text(path.read_text() + "  - {name: p, description: d, persona: p, server: 'http://gpu1/v1'}\n")
        with pytest.raises(ModPluralError, match="community 'p': 'server' is a place of yours, which nobody can load"):
            plan(path)

    def test_a_checkpoint_of_this_machine(self, path) -> None:
        (path.parent / "full").mkdir()
        path.write_text(path.read_text() + "  - {name: full, description: d, checkpoint: ./full}\n")
        with pytest.raises(ModPluralError, match="community 'full': its checkpoint lies on this machine"):
            plan(path)

    def test_a_persona_on_a_model_of_this_machine(self, path) -> None:
        (path.parent / "full").mkdir()
        path.write_text(path.read_text() + "  - {name: p, description: d, persona: p, backbone: ./full}\n")
        with pytest.raises(ModPluralError, match="community 'p': its backbone lies on this machine"):
            plan(path)

    def test_a_token_in_a_persona(self, path) -> None:
        from community_lms.publishing.pool import pool_files

        token = "hf_" + "A" * 34
        path.write_text(path.read_text() + f"  - {{name: p, description: d, persona: use {token}}}\n")
        found = plan(path)
        with pytest.raises(ModPluralError, match=r"holds what looks like an access token"):
            pool_files(found, found.pool)

    def test_to_overwrite_an_adapter(self, hub, path) -> None:
        hub.create(NAME, "model", files={"adapter_config.json": b"{}"})
        with pytest.raises(ModPluralError, match=rf"{NAME}: holds something else \(adapter_config\.json\)"):
            push_pool(plan(path))
