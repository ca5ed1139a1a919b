"""Pools read from the Hub: whole, at one commit, with an error that says what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from community_lms.pools.hub import is_name, read_hub_pool
from community_lms.pools.identity import fingerprint
from community_lms.pools.pool import load_pool
from plural_tasks.utils.errors import ModPluralError
from tests.hub_server import HubServer

NAME = "team/mine"
COMMIT = "a" * 40


def text(*members: str, name: str = "mine") -> bytes:
    lines = [f"name: {name}", f"backbone: {{path: ann/base, revision: {COMMIT}}}", "communities:"]
    return "\n".join([*lines, *(f"  - {{{member}}}" for member in members)]).encode()


LEFT = f"name: left, description: people on the left, adapter: {{path: ann/left, revision: {COMMIT}}}"
RIGHT = f"name: right, description: people on the right, adapter: {{path: ann/right, revision: {COMMIT}}}"


@pytest.fixture
def hub(tmp_path, monkeypatch) -> Iterator[HubServer]:
    with HubServer(organisations=["team"]) as server:
        server.use(monkeypatch, tmp_path)
        server.create(NAME, "model", files={"pool.yaml": text(LEFT, RIGHT)})
        yield server


def sha(hub: HubServer, name: str = NAME, revision: str = "main") -> str:
    return hub.repo(name, "model").resolve(revision).oid


def offline(monkeypatch) -> None:
    import huggingface_hub.constants as constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ("team/mine", True),
        ("team/my-pool@v1", True),
        ("team/mine@refs/pr/1", True),
        ("team/mine-left", True),
        ("perspective", False),
        ("perspective-reddit_left", False),
        ("./team/mine", False),
        ("/team/mine", False),
        ("~/team/mine", False),
        ("team/mine.yaml", False),
        ("team/mine.yaml-left", False),
        ("a/b/c", False),
    ],
)
def test_what_may_be_a_name(part, expected) -> None:
    assert is_name(part) is expected


def test_a_file_goes_before_the_hub(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("team").mkdir()
    Path("team/mine").write_bytes(text(LEFT))
    assert load_pool("team/mine").names == ("left",)
    assert not is_name("team/mine-left")


class TestRevision:
    def test_main_is_read_at_its_commit(self, hub) -> None:
        pool = load_pool(NAME)
        assert pool.names == ("left", "right")
        assert pool.name == f"{NAME}@{sha(hub)}"
        assert {member.adapter.revision for member in pool.communities} == {COMMIT}

    def test_a_version_can_be_pinned(self, hub) -> None:
        old = sha(hub)
        hub.repo(NAME, "model").refs["refs/tags/v1"] = old
        hub.commit(NAME, {"pool.yaml": text(RIGHT)}, "model")
        assert load_pool(NAME).names == ("right",)
        for revision in ("v1", old):
            pool = load_pool(f"{NAME}@{revision}")
            assert (pool.names, pool.name) == (("left", "right"), f"{NAME}@{old}")

    def test_the_fingerprint_is_by_commit(self, hub) -> None:
        hub.create("ann/left", "model")
        hub.commit(NAME, {"pool.yaml": text("name: left, description: d, adapter: ann/left")}, "model")
        first = load_pool(NAME)
        assert first.communities[0].adapter.revision == sha(hub, "ann/left")
        hub.commit("ann/left", {"adapter_config.json": b"{}"}, "model")
        second = load_pool(NAME)
        assert second.communities[0].adapter.revision == sha(hub, "ann/left")
        assert fingerprint(first) != fingerprint(second)

    def test_what_cannot_be_pinned_is_said(self, hub, caplog) -> None:
        hub.commit(NAME, {"pool.yaml": text("name: left, description: d, adapter: ann/gone")}, "model")
        with caplog.at_level(logging.WARNING):
            pool = load_pool(NAME)
        assert pool.communities[0].adapter.revision is None
        assert "ann/gone has no fixed revision and cannot be pinned now" in caplog.text


class TestExpressions:
    def test_members_are_taken_out_and_added(self, hub) -> None:
        assert load_pool(f"{NAME}-left").names == ("right",)
        assert load_pool(f"{NAME}@main-right").names == ("left",)
        assert load_pool(f"{NAME}+w_asia").names[:2] == ("left", "right")

    def test_a_name_may_hold_a_minus(self, hub) -> None:
        hub.create("team/my-pool", "model", files={"pool.yaml": text(LEFT, RIGHT)})
        assert load_pool("team/my-pool").names == ("left", "right")
        assert load_pool("team/my-pool-right").names == ("left",)

    def test_an_adapter_named_like_a_pool_less_a_member(self, hub) -> None:
        hub.create("team/mine-left", "model", files={"adapter_config.json": b"{}"})
        assert load_pool("team/mine-left").names == ("right",)


class TestErrors:
    def test_missing(self, hub) -> None:
        with pytest.raises(ModPluralError, match=r"^team/none-at-all@main: the Hub has no such repository, or it is"):
            load_pool("team/none-at-all")

    def test_no_such_revision(self, hub) -> None:
        with pytest.raises(ModPluralError, match=f"^{NAME}@v9: the Hub has no such revision"):
            load_pool(f"{NAME}@v9")

    def test_not_a_pool(self, hub) -> None:
        hub.create("ann/left", "model", files={"adapter_config.json": b"{}"})
        with pytest.raises(ModPluralError, match=r"^ann/left@main: is no pool \(it has no pool\.yaml\)"):
            load_pool("ann/left")

    def test_gated(self, hub) -> None:
        hub.create("ann/closed", "model", files={"pool.yaml": text(LEFT)}, gated=True)
        with pytest.raises(ModPluralError, match=r"^ann/closed@main: is gated; ask for access on its page"):
            load_pool("ann/closed")

    def test_malformed(self, hub) -> None:
        hub.commit(NAME, {"pool.yaml": text("name: left, desciption: d, adapter: ann/left")}, "model")
        with pytest.raises(ModPluralError, match=f"^pool {NAME}@[0-9a-f]{{8}}: .*desciption"):
            load_pool(NAME)

    def test_files_of_a_machine(self, hub) -> None:
        hub.commit(NAME, {"pool.yaml": text("name: left, description: d, adapter: /etc")}, "model")
        with pytest.raises(ModPluralError, match="community 'left': adapter '/etc' is no repository of the Hub"):
            load_pool(NAME)

    def test_offline_and_never_read(self, hub, monkeypatch) -> None:
        offline(monkeypatch)
        with pytest.raises(ModPluralError, match=f"^{NAME}@main: the Hub cannot be reached, and this pool is not in"):
            load_pool(NAME)

    def test_the_hub_is_down(self, hub) -> None:
        hub.break_off("info", status=503)
        with pytest.raises(ModPluralError, match=rf"^{NAME}@main: the Hub cannot be asked \(it answered 503\)"):
            load_pool(NAME)


class TestOffline:
    def test_the_version_read_last_is_taken_and_said(self, hub, monkeypatch, caplog) -> None:
        seen = load_pool(NAME)
        offline(monkeypatch)
        with caplog.at_level(logging.WARNING):
            assert load_pool(NAME) == seen
        assert f"{NAME}: the Hub cannot be reached; the version read last is taken, {sha(hub)}." in caplog.text

    def test_a_pinned_version_needs_no_word(self, hub, monkeypatch, caplog) -> None:
        seen = load_pool(NAME)
        offline(monkeypatch)
        with caplog.at_level(logging.WARNING):
            assert load_pool(f"{NAME}@{sha(hub)}") == seen
        assert caplog.text == ""

    def test_what_has_no_revision_is_said(self, hub, monkeypatch, caplog) -> None:
        hub.create("ann/left", "model")
        hub.commit(NAME, {"pool.yaml": text("name: left, description: d, adapter: ann/left")}, "model")
        load_pool(NAME)
        offline(monkeypatch)
        with caplog.at_level(logging.WARNING):
            assert load_pool(f"{NAME}@{sha(hub)}").communities[0].adapter.revision is None
        assert "ann/left has no fixed revision and cannot be pinned now" in caplog.text


class TestStrangers:
    def test_may_not_run_code(self, hub) -> None:
        member = "name: far, description: d, endpoint: {backend: hf, args: {pretrained: a/b, trust_remote_code: true}}"
        hub.commit(NAME, {"pool.yaml": text(member)}, "model")
        with pytest.raises(ModPluralError, match="asks for trust_remote_code, which a pool from the Hub may not"):
            read_hub_pool(NAME)

    def test_may_not_choose_what_is_sent_from_the_environment(self, hub) -> None:
        args = "{model: m, base_url: 'http://x.org/v1', api_key_env: AWS_SECRET_ACCESS_KEY}"
        hub.commit(
            NAME,
            {"pool.yaml": text(f"name: far, description: d, endpoint: {{backend: server, args: {args}}}")},
            "model",
        )
        with pytest.raises(ModPluralError, match="community 'far': names an environment variable to be sent, which a"):
            read_hub_pool(NAME)

    def test_may_not_send_questions_elsewhere_in_the_name_of_weights(self, hub) -> None:
        member = "name: far, description: d, adapter: a/b, backbone: a/c, server: 'http://x.org/v1'"
        hub.commit(NAME, {"pool.yaml": text(member)}, "model")
        with pytest.raises(ModPluralError, match="community 'far': names a server for its weights, which a pool from"):
            read_hub_pool(NAME)

    def test_are_named_when_they_are_asked(self, hub, caplog) -> None:
        member = "name: far, description: d, endpoint: {backend: local-completions, args: {base_url: 'http://x.org'}}"
        hub.commit(NAME, {"pool.yaml": text(member)}, "model")
        with caplog.at_level(logging.WARNING):
            read_hub_pool(NAME)
        assert "questions go to local-completions at http://x.org, with the key that your environment" in caplog.text
