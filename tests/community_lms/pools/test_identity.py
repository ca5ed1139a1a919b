import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from community_lms.messages.message import message_key
from community_lms.pools import identity as module
from community_lms.pools.identity import folder_digest, identity, weights_identity
from community_lms.pools.spec import Community, Weights, digest
from community_lms.weights.embedded import file_digest
from plural_tasks.utils.secrets import is_secret_name


def member(**fields: Any) -> Community:
    return Community.model_validate({"name": "left", "description": "people of the left", **fields})


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """Digests are cached by path for the length of a run."""
    folder_digest.cache_clear()
    yield
    folder_digest.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.mkdir()
    (path / "adapter_model.safetensors").write_bytes(b"weights")
    (path / "adapter_config.json").write_text("{}")
    (path / "tokenizer.json").write_text("[]")
    (path / "README.md").write_text("about")
    return path


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class TestHub:
    def test_repository_and_revision(self) -> None:
        assert weights_identity(Weights(path="some/model", revision="abc")) == {"repo": "some/model", "revision": "abc"}

    def test_the_default_revision_is_main(self) -> None:
        assert weights_identity(Weights(path="some/model")) == {"repo": "some/model", "revision": "main"}


class TestFolder:
    def test_the_digest_covers_names_and_contents_of_the_files_that_matter(self, folder: Path) -> None:
        expected = digest(
            [
                ["adapter_config.json", sha(b"{}")],
                ["adapter_model.safetensors", sha(b"weights")],
                ["tokenizer.json", sha(b"[]")],
            ]
        )

        assert weights_identity(Weights(path=str(folder))) == {"sha256": expected}

    @pytest.mark.parametrize(
        "name", ["adapter_model.safetensors", "adapter_config.json", "tokenizer.json", "chat_template.jinja", "x.bin"]
    )
    def test_it_changes_with_content(self, folder: Path, name: str) -> None:
        before = folder_digest(str(folder))
        folder_digest.cache_clear()
        (folder / name).write_bytes(b"other")

        assert folder_digest(str(folder)) != before

    def test_it_changes_when_a_file_is_renamed_or_goes(self, folder: Path) -> None:
        before = folder_digest(str(folder))
        folder_digest.cache_clear()
        (folder / "adapter_model.safetensors").rename(folder / "model.safetensors")
        renamed = folder_digest(str(folder))
        folder_digest.cache_clear()
        (folder / "model.safetensors").unlink()

        assert len({before, renamed, folder_digest(str(folder))}) == 3

    def test_it_stays_with_place_and_with_files_that_do_not_matter(self, folder: Path, tmp_path: Path) -> None:
        before = folder_digest(str(folder))
        (folder / "README.md").write_text("more about it")
        (folder / "checkpoint-10").mkdir()
        (folder / "checkpoint-10" / "adapter_config.json").write_text("{1}")
        folder.rename(tmp_path / "moved")

        assert folder_digest(str(tmp_path / "moved")) == before

    def test_a_large_file_is_read_in_full(self, tmp_path: Path) -> None:
        content = bytes(range(256)) * 10_000
        (tmp_path / "big").write_bytes(content)

        assert file_digest(tmp_path / "big") == sha(content)


class TestKinds:
    def test_an_adapter_is_its_weights_and_its_backbone(self, folder: Path) -> None:
        found = identity(member(adapter=str(folder), backbone={"path": "some/backbone", "revision": "v1"}))

        assert found == {
            "backbone": {"repo": "some/backbone", "revision": "v1"},
            "adapter": {"sha256": folder_digest(str(folder))},
        }

    def test_a_persona_is_its_backbone_for_the_persona_stands_in_the_prompt(self) -> None:
        assert identity(member(persona="p", backbone="some/backbone")) == {
            "backbone": {"repo": "some/backbone", "revision": "main"}
        }

    def test_a_checkpoint_is_its_weights(self) -> None:
        assert identity(member(checkpoint="some/model")) == {"checkpoint": {"repo": "some/model", "revision": "main"}}

    def test_names_and_descriptions_are_no_part_of_it(self) -> None:
        one = member(checkpoint="some/model", licence="MIT", corpus="news", prior_weight=2.0)

        assert identity(one) == identity(one.model_copy(update={"name": "right", "description": "others"}))
        assert identity(one) == identity(member(checkpoint="some/model"))


class TestEndpoint:
    def found(self, **args: Any) -> Any:
        return identity(member(endpoint={"backend": "local-completions", "args": args}))["endpoint"]

    def test_backend_and_arguments(self) -> None:
        assert self.found(model="m", base_url="http://127.0.0.1/v1") == {
            "backend": "local-completions",
            "args": {"model": "m", "base_url": "http://127.0.0.1/v1"},
        }

    @pytest.mark.parametrize(
        "name", ["api_key", "API_KEY", "key", "token", "hf_token", "secret", "password", "header", "headers", "auth"]
    )
    def test_secrets_are_left_out(self, name: str) -> None:
        assert self.found(model="m", **{name: "hidden"}) == self.found(model="m")
        assert is_secret_name(name)

    def test_secrets_are_left_out_of_inner_mappings(self) -> None:
        found = self.found(model="m", client={"api_key": "hidden", "region": "north"}, header={"x": "hidden"})

        assert found["args"] == {"model": "m", "client": {"region": "north"}}

    def test_a_new_key_does_not_change_the_identity(self) -> None:
        assert self.found(model="m", api_key="one") == self.found(model="m", api_key="two")

    @pytest.mark.parametrize(
        ("name", "one", "two"),
        [
            ("max_tokens", 5, 6),
            ("add_bos_token", True, False),
            ("tokenized_requests", True, False),
            ("tokenizer", "a/b", "a/c"),
            ("tokenizer_backend", "none", "huggingface"),
            ("think_end_token", "</think>", "<|end|>"),
            ("author", "a", "b"),
            ("keyword_args", "a", "b"),
            ("model", "m", "n"),
        ],
    )
    def test_what_decides_a_message_is_kept_whatever_its_name(self, name: str, one: object, two: object) -> None:
        assert self.found(**{name: one})["args"] == {name: one}
        assert self.found(**{name: one}) != self.found(**{name: two})

    def test_endpoints_that_cut_thoughts_at_other_signs_get_messages_of_their_own(self) -> None:
        def key(**args: Any) -> str:
            return message_key(engine="backend", identity=self.found(**args), turns=[], decoding={}, seed=1, sample=0)

        assert key(think_end_token="</think>") != key(think_end_token="<|end|>")
        assert key(api_key="one") == key(api_key="two")


class TestEmbedded:
    def test_is_the_digest_of_the_packaged_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "small.gguf").write_bytes(b"model")
        monkeypatch.setattr(module, "packaged_gguf", lambda: tmp_path / "small.gguf")

        assert identity(member(persona="p", backbone="embedded")) == {"backbone": {"sha256": sha(b"model")}}

    def test_is_the_repository_where_the_package_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "packaged_gguf", lambda: None)

        assert weights_identity(Weights(path="embedded")) == {
            "repo": "HuggingFaceTB/SmolLM2-135M-Instruct",
            "revision": "main",
        }
