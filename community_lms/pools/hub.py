"""Pools on the Hub: repositories with ``pool.yaml``, read at one commit; and weights pinned to commits."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from community_lms.pools.spec import Community, Pool, Weights
from community_lms.weights.embedded import EMBEDDED_MODELS
from community_lms.weights.paths import is_local
from plural_tasks.utils.checked import parse, read_yaml
from plural_tasks.utils.errors import ModPluralError, one_line

MANIFEST = "pool.yaml"
FIELDS = ("adapter", "checkpoint", "backbone")
"""Fields of a community that name weights."""

_PART = r"[A-Za-z0-9][A-Za-z0-9_.-]*"
_NAME = re.compile(rf"({_PART}/{_PART})(?:@([\w./-]+))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")

logger = logging.getLogger(__name__)


class Unreachable(ModPluralError):
    """There is no such repository or revision, it is not open or no pool, or the Hub cannot be asked."""


def is_name(part: str) -> bool:
    """Whether ``part`` may name a pool on the Hub (``owner/name``, ``owner/name@revision``), perhaps less some members.

    A text that begins with a path to a file, or has the ending of a pool file, names none.
    """
    if not _NAME.fullmatch("".join(part.split())) or ".yaml" in part or ".yml" in part:
        return False
    return not any(Path(name).is_file() for name, _ in _cuts(part))


def candidates(part: str) -> Iterator[tuple[Pool, str]]:
    """Read the pools that ``part`` may begin with, each with the text behind the ``-`` after its name.

    Names may hold a ``-`` themselves: the longest name comes first.

    Raises:
        ModPluralError: If no beginning of it names a pool (then the message is about the longest), or a pool is
            malformed.
    """
    first: Unreachable | None = None
    found = False
    for name, rest in _cuts(part):
        try:
            pool = read_hub_pool(name)
        except Unreachable as error:
            first = first or error
        else:
            found = True
            yield pool, rest
    if first is not None and not found:
        raise first


def read_hub_pool(name: str) -> Pool:
    """Read all of a pool at one commit.

    A branch or tag (by default ``main``) is looked up first and the commit is recorded in the pool's name; members
    without a revision are pinned to the present commit; those that cannot be pinned are logged. Without network the
    version that was read last is taken, which is logged too.

    Args:
        name: ``owner/name`` or ``owner/name@revision``.

    Raises:
        Unreachable: If there is no such pool, or the Hub cannot be asked.
        ModPluralError: If ``pool.yaml`` is malformed, names files of a machine, or would run code from the Hub.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ModPluralError(f"pool {name!r}: expected owner/name or owner/name@revision.")
    repo_id, revision = match.groups()
    path, commit = _fetch(repo_id, revision or "main")
    where = f"pool {repo_id}@{commit[:8]}"
    pool = parse(Pool, read_yaml(path), where=where).resolved()
    for member in pool.communities:
        _check(member, where)
    pinned, unpinned = pin(pool)
    for path_of, why in unpinned.items():
        logger.warning("%s: %s has no fixed revision and cannot be pinned now (%s).", where, path_of, why)
    return pinned.model_copy(update={"name": f"{repo_id}@{commit}"})


def pin(pool: Pool, *, token: str | None = None) -> tuple[Pool, dict[str, str]]:
    """Pin all weights on the Hub to the commit that their revision stands for now.

    ``embedded`` weights and local folders stay as they are: they are identified by their content.

    Returns:
        The pool, and the weights that could not be pinned: ``owner/name`` (``owner/name@revision``) -> reason.
    """
    known: dict[Weights, Weights] = {}
    unpinned: dict[str, str] = {}

    def pinned(weights: Weights) -> Weights:
        if weights.path in EMBEDDED_MODELS or is_local(weights.path) or is_commit(weights.revision):
            return weights
        if weights not in known:
            known[weights] = weights
            try:
                commit = commit_of(weights.path, weights.revision, token=token)
                known[weights] = weights.model_copy(update={"revision": commit})
            except Unreachable as error:
                unpinned["@".join(filter(None, (weights.path, weights.revision)))] = one_line(error)
        return known[weights]

    def member_pinned(member: Community) -> Community:
        given = {field: getattr(member, field) for field in FIELDS}
        return member.model_copy(update={field: pinned(weights) for field, weights in given.items() if weights})

    members = tuple(member_pinned(member) for member in pool.resolved().communities)
    backbone = pinned(pool.backbone) if pool.backbone else None
    return pool.model_copy(update={"communities": members, "backbone": backbone}), unpinned


def commit_of(repo_id: str, revision: str | None = None, *, token: str | None = None) -> str:
    """Ask the Hub for the commit that a branch, tag or shortened commit of a model repository stands for.

    Raises:
        Unreachable: If there is none, it is closed, or the Hub cannot be asked.
    """
    from huggingface_hub import HfApi

    with _explained(repo_id, revision):
        return str(HfApi(token=token, library_name="modplural").model_info(repo_id, revision=revision).sha)


def is_commit(revision: str | None) -> bool:
    """Whether a revision is a complete commit id, which always means the same."""
    return revision is not None and _COMMIT.fullmatch(revision) is not None


def _cuts(part: str) -> Iterator[tuple[str, str]]:
    """Pairs of the texts before and behind each ``-``, the longest first; the first is the whole text and ""."""
    yield part.strip(), ""
    for place in range(len(part) - 1, 0, -1):
        name, rest = part[:place].strip(), part[place + 1 :].strip()
        if part[place] == "-" and rest and _NAME.fullmatch(name):
            yield name, rest


def _fetch(repo_id: str, revision: str) -> tuple[Path, str]:
    """The pool file in the client's cache, and its commit."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    away = False
    if not is_commit(revision):
        try:
            commit_of(repo_id, revision)
        except Unreachable as error:
            if error.__cause__ is None or _status(error.__cause__) is not None:
                raise
            away = True
    try:
        with _explained(repo_id, revision):
            path = Path(hf_hub_download(repo_id, MANIFEST, revision=revision, library_name="modplural"))
    except Unreachable as error:
        if isinstance(error.__cause__, LocalEntryNotFoundError):
            raise Unreachable(
                f"{repo_id}@{revision}: the Hub cannot be reached, and this pool is not in the local cache; "
                "read it once with a network."
            ) from error.__cause__
        raise
    commit = path.parent.name  # the cache keeps each commit in a folder of its name
    if away:
        logger.warning("%s: the Hub cannot be reached; the version read last is taken, %s.", repo_id, commit)
    return path, commit


@contextmanager
def _explained(repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn the client's exceptions into one sentence each."""
    from huggingface_hub.errors import HfHubHTTPError

    transport: type[BaseException] = HfHubHTTPError.__mro__[1]  # of httpx, or whatever the client is built on
    try:
        yield
    except (transport, OSError, RuntimeError, ValueError) as error:
        where = f"{repo_id}@{revision}" if revision else repo_id
        raise Unreachable(f"{where}: {_explanation(error)}") from error


def _explanation(error: BaseException) -> str:
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        return "is gated; ask for access on its page on the Hub, then run `hf auth login`."
    if isinstance(error, errors.RevisionNotFoundError):
        return "the Hub has no such revision of it."
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the Hub has no such repository, or it is private; run `hf auth login` if it is yours."
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return f"is no pool (it has no {MANIFEST}); a single adapter is named in a pool file."
    status = _status(error)
    reason = f"it answered {status}" if status else f"{type(error).__name__}: {one_line(error)[:120]}"
    return f"the Hub cannot be asked ({reason})."


def _status(error: BaseException) -> int | None:
    return getattr(getattr(error, "response", None), "status_code", None)


def _check(member: Community, where: str) -> None:
    """Refuse what a pool made by strangers may not do on this machine, and log where it sends questions."""
    for field in FIELDS:
        weights = getattr(member, field)
        if weights is not None and not (
            weights.path in EMBEDDED_MODELS or re.fullmatch(rf"{_PART}(/{_PART})?", weights.path)
        ):
            raise ModPluralError(
                f"{where}, community {member.name!r}: {field} {weights.path!r} is no repository of the Hub."
            )
    if member.server is not None:
        raise ModPluralError(
            f"{where}, community {member.name!r}: names a server for its weights, which a pool from the Hub may not; "
            "say where they are served with message_server."
        )
    if member.endpoint is None:
        return
    if any(str(name).endswith("_env") for name in member.endpoint.args):
        raise ModPluralError(
            f"{where}, community {member.name!r}: names an environment variable to be sent, which a pool from the Hub "
            "may not; copy its pool.yaml and load the copy if you trust it."
        )
    if any("trust_remote_code" in str(name) for name in _names(member.endpoint.args)):
        raise ModPluralError(
            f"{where}, community {member.name!r}: asks for trust_remote_code, which a pool from the Hub may not; copy "
            "its pool.yaml and load the copy if you trust it."
        )
    place = member.endpoint.args.get("base_url") or "the backend's own address"
    logger.warning(
        "%s, community %r: questions go to %s at %s, with the key that your environment holds for that backend.",
        where,
        member.name,
        member.endpoint.backend,
        place,
    )


def _names(value: Any) -> Iterator[str]:
    """Yield all keys and texts inside JSON data."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield str(name)
            yield from _names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
    elif isinstance(value, str):
        yield value
