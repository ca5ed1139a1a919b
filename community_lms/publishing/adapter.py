"""Publish adapters on the Hub: one repository each, safetensors only, in one commit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from community_lms.pools.hub import MANIFEST
from community_lms.publishing import cards
from community_lms.publishing.adapter_folder import README, SETTINGS, Adapter, adapter_files
from plural_tasks.utils.errors import ModPluralError, one_line
from plural_tasks.utils.hub import Pushed, check_repo_id, client, explained, push_files

Files = dict[str, bytes | Path]
Kind = Literal["adapter", "pool"]

_MARKS: dict[Kind, str] = {"adapter": SETTINGS, "pool": MANIFEST}
_FOREIGN = (*_MARKS.values(), "config.json", "model.safetensors")
_OURS: dict[Kind, str] = {
    "adapter": r"adapter_model\.safetensors|adapter_config\.json|run_info\.json|evaluation\.json|loss\.jsonl|report\.md"
    r"|[^/]*\.svg",
    "pool": r"pool\.yaml",
}
TOKEN = re.compile(rb"\b(hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{20,})")


def published_adapter(adapter: Adapter, repo_id: str, languages: Sequence[str] = ()) -> Files:
    """Return all files of an adapter's repository, with its card.

    A README.md in the folder is the card, and is sent as it is but for the name of the repository.

    Raises:
        ModPluralError: If ``repo_id`` is not ``owner/name``, or a file holds what looks like a token.
    """
    check_repo_id(repo_id)
    written = adapter.folder / README
    if written.is_file():
        card = written.read_text(encoding="utf-8").replace(cards.PLACEHOLDER, repo_id)
    else:
        card = cards.adapter_card(adapter, repo_id, languages)
    return without_tokens({README: card.encode(), **adapter_files(adapter)})


def push_adapter(
    adapter: Adapter,
    repo_id: str,
    *,
    languages: Sequence[str] = (),
    private: bool = False,
    pull_request: bool = False,
    tag: str | None = None,
    token: str | None = None,
) -> Pushed:
    """Push an adapter in one commit; files that an earlier push left and this one lacks go in the same commit.

    Args:
        adapter: The adapter, as `community_lms.publishing.adapter_folder.read_adapter` returns it.
        repo_id: ``owner/name`` of a model repository, made if need be.
        languages: Codes (``en``) of the languages that the community speaks, for the card.
        private: One that is made is private; one that exists must be.
        pull_request: Offer the commit as a pull request; then without ``tag``.
        tag: Name for this version. A tag that is there is never moved.
        token: A token of the Hub; by default that of ``hf auth login`` or ``HF_TOKEN``.

    Raises:
        ModPluralError: As `published_adapter` and `plural_tasks.utils.hub.push_files`; or if the repository holds
            something else, or the tag is another commit's.
    """
    files = published_adapter(adapter, repo_id, languages)
    return put("adapter", repo_id, files, private=private, pull_request=pull_request, tag=tag, token=token)


def add_to_collection(name: str, repo_ids: Sequence[str], *, private: bool = False, token: str | None = None) -> str:
    """Put model repositories into a collection, which is made if need be; return its address.

    Args:
        name: ``owner/Title``, or the slug of one that exists (``owner/title-<id>``).
        repo_ids: What to put in; what is in stays.
        private: A collection that is made is private.
        token: A token of the Hub.

    Raises:
        ModPluralError: If there is no such slug, or the token may not write there.
    """
    owner, _, title = name.partition("/")
    if not owner or not title:
        raise ModPluralError(f"collection {name!r}: expected owner/Title.")
    api = client(repo_ids[0], token)
    with _failing_as(f"collection {name}: cannot be filled"):
        if re.fullmatch(r".*-[0-9a-f]{24}", title):
            found = api.get_collection(name)
        else:
            found = api.create_collection(title, namespace=owner, private=private, exists_ok=True)
        for repo_id in repo_ids:
            api.add_collection_item(found.slug, repo_id, "model", exists_ok=True)
    return str(found.url)


def without_tokens(files: Files) -> Files:
    """Return the files.

    Raises:
        ModPluralError: If one holds what looks like an access token; the token is not shown.
    """
    for name, content in files.items():
        if name.endswith(".safetensors"):
            continue
        if TOKEN.search(content if isinstance(content, bytes) else content.read_bytes()):
            raise ModPluralError(f"{name}: holds what looks like an access token; take it out before you publish.")
    return files


def put(
    kind: Kind,
    repo_id: str,
    files: Files,
    *,
    private: bool = False,
    pull_request: bool = False,
    tag: str | None = None,
    token: str | None = None,
) -> Pushed:
    """Put the files of an adapter or a pool into its repository in one commit, and name the version.

    Raises:
        ModPluralError: As `push_adapter`.
    """
    if tag and pull_request:
        raise ModPluralError(f"{repo_id}: a pull request has no tag; tag the version when it is merged.")
    tags = _tags(repo_id, tag, token)
    done = push_files(
        repo_id,
        files,
        message=f"{kind.capitalize()} published by modplural",
        private=private,
        pull_request=pull_request,
        token=token,
        stale=lambda new, remote: _outdated(kind, repo_id, files, remote.files),
        kind="model",
    )
    if tag is not None and tags.get(tag, done.revision) != done.revision:
        raise ModPluralError(
            f"{repo_id}: was pushed as {done.revision}, but tag {tag!r} is the version before, and tags do not move; "
            "repeat with another one."
        )
    if tag is not None and tag not in tags:
        with _failing_as(f"{repo_id}: was pushed as {done.revision}, but tag {tag!r} was not set"):
            client(repo_id, token).create_tag(repo_id, tag=tag, revision=done.revision)
    return done


def _outdated(kind: Kind, repo_id: str, files: Files, there: Sequence[str]) -> list[str]:
    """Files of an earlier push that this one lacks; refuses a repository that holds something else."""
    foreign = [name for name in there if name in _FOREIGN and name != _MARKS[kind]]
    if foreign:
        raise ModPluralError(
            f"{repo_id}: holds something else ({foreign[0]}) and not this {kind}; push to another name."
        )
    return [path for path in there if path not in files and re.fullmatch(_OURS[kind], path)]


def _tags(repo_id: str, tag: str | None, token: str | None) -> dict[str, str]:
    """The repository's tags and their commits, if one is to be set; refuses early where it is an older version's."""
    if tag is None:
        return {}
    from huggingface_hub.errors import RepositoryNotFoundError

    with explained(repo_id, begun=False):
        try:
            refs = client(repo_id, token).list_repo_refs(repo_id)
        except RepositoryNotFoundError:
            return {}
    tags = {ref.name: ref.target_commit for ref in refs.tags}
    if tag in tags and tags[tag] not in [branch.target_commit for branch in refs.branches]:
        raise ModPluralError(f"{repo_id}: tag {tag!r} is an older version, and tags do not move; give another one.")
    return tags


@contextmanager
def _failing_as(what: str) -> Iterator[None]:
    """Raise a failure of the Hub's client as a `ModPluralError`: ``what`` failed, and the client's reason."""
    from huggingface_hub.errors import HfHubHTTPError

    transport: type[BaseException] = HfHubHTTPError.__mro__[1]
    reasons = {401: "the Hub does not know this token", 403: "the token may not write there", 404: "there is none"}
    try:
        yield
    except (transport, OSError, ValueError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        reason = reasons.get(status, f"the Hub answered {status}") if status else one_line(error)[:200]
        raise ModPluralError(f"{what} ({reason}).") from error
