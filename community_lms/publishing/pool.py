"""Publish pools on the Hub: local adapters first, then the manifest that pins every member to a commit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from community_lms.pools.hub import FIELDS, MANIFEST, pin
from community_lms.pools.spec import Community, Pool, Weights
from community_lms.publishing import cards
from community_lms.publishing.adapter import TOKEN, Files, published_adapter, put, without_tokens
from community_lms.publishing.adapter_folder import README, Adapter, read_adapter
from community_lms.weights.paths import is_local
from plural_tasks.utils.errors import ModPluralError, unknown_name
from plural_tasks.utils.hub import Pushed, check_repo_id
from plural_tasks.utils.secrets import is_secret_name

NAMES = "{owner}/{pool}-{community}"
"""Template of the names of the repositories that a pool's adapters get."""

TO_COME = "0" * 40
"""Stands for the commit of an adapter that is not pushed yet."""


@dataclass(frozen=True)
class PoolPlan:
    """A pool that is ready to be pushed.

    Attributes:
        repo_id: The pool's repository.
        pool: The pool, its local adapters named by their repositories, not yet pinned.
        adapters: Repository -> adapter that goes there.
        languages: Codes (``en``) of the languages that the communities speak, for the cards.
    """

    repo_id: str
    pool: Pool
    adapters: dict[str, Adapter]
    languages: tuple[str, ...] = ()


def plan_pool(
    pool: Pool,
    repo_id: str,
    *,
    names: str = NAMES,
    given: Mapping[str, str] | None = None,
    languages: Sequence[str] = (),
) -> PoolPlan:
    """Check a pool and say what goes where, without network.

    Args:
        pool: The pool, with adapters on the Hub or in local folders.
        repo_id: ``owner/name`` of the pool's repository.
        names: Template of the adapters' repositories, of ``owner``, ``pool`` (the repository's name) and ``community``.
        given: Community -> repository, for those that the template does not suit.
        languages: Codes (``en``) of the languages that the communities speak, for the cards.

    Raises:
        ModPluralError: If something of the pool can be loaded on this machine alone or must not be published (a
            secret among an endpoint's arguments), two things would go to one repository, or an adapter is not fit.
    """
    check_repo_id(repo_id)
    members: list[Community] = []
    adapters: dict[str, Adapter] = {}
    for name in given or {}:
        if name not in pool.names:
            raise unknown_name("community", name, pool.names, where="the repository given for a community")
    for member in pool.resolved().communities:
        refuse_secrets(member)
        if member.adapter is not None and is_local(member.adapter.path):
            target = (given or {}).get(member.name) or _named(names, repo_id, member.name)
            if target in (repo_id, *adapters):
                raise ModPluralError(f"{target}: two things would be pushed there; give the communities other names.")
            check_repo_id(target)
            adapters[target] = read_adapter(Path(member.adapter.path), member=member)
            member = _published_member(member, target, adapters[target])
        members.append(member)
        _refuse_local(member)
    default = pool.backbone if pool.backbone is None or not is_local(pool.backbone.path) else None
    changes = {"name": repo_id.partition("/")[2], "backbone": default, "communities": tuple(members)}
    return PoolPlan(repo_id, pool.model_copy(update=changes), adapters, tuple(languages))


def pool_manifest(pool: Pool) -> bytes:
    """Return ``pool.yaml``: every member in full, defaults left out."""
    data = pool.model_dump(mode="json", exclude_defaults=True, exclude={"decoding"})
    members = data.pop("communities")
    whole = {**data, "decoding": pool.decoding.model_dump(mode="json"), "communities": members}
    return yaml.safe_dump(whole, sort_keys=False, allow_unicode=True, width=120).encode()


def pool_files(plan: PoolPlan, pool: Pool | None = None) -> Files:
    """Return the files of the pool's repository.

    Args:
        plan: The plan that `plan_pool` made.
        pool: The pool with all members pinned; by default that of `pinned_pool`.
    """
    pool = pool or pinned_pool(plan)[0]
    card = cards.pool_card(pool, plan.repo_id, plan.languages)
    return without_tokens({README: card.encode(), MANIFEST: pool_manifest(pool)})


def pinned_pool(plan: PoolPlan, *, token: str | None = None) -> tuple[Pool, dict[str, str]]:
    """Pin the members that are on the Hub; adapters that are still to be pushed get the revision `TO_COME`.

    Returns:
        The pool, and what could not be pinned, with the reason; see `community_lms.pools.hub.pin`.
    """
    return pin(_with_revisions(plan.pool, dict.fromkeys(plan.adapters, TO_COME)), token=token)


def push_pool(
    plan: PoolPlan,
    *,
    private: bool = False,
    tag: str | None = None,
    token: str | None = None,
    report: Callable[[str, Pushed], None] | None = None,
) -> dict[str, Pushed]:
    """Push a pool: first its local adapters, each in one commit, then the manifest that pins all members.

    What is there already is not sent again, so a push that was cut off is repeated. The manifest changes last: until
    then, who loads the pool gets the old version whole.

    Args:
        plan: The plan that `plan_pool` made.
        private: Repositories that are made are private; those that exist must be.
        tag: Name for this version, of the pool's repository and of its adapters' ones.
        token: A token of the Hub.
        report: Called with (repository, `Pushed`) after each.

    Returns:
        Repository -> what was done, the pool's last.

    Raises:
        ModPluralError: As `push_adapter`; or if a member on the Hub cannot be pinned, before anything is sent.
    """
    listed = {target: published_adapter(adapter, target, plan.languages) for target, adapter in plan.adapters.items()}
    pinned, loose = pinned_pool(plan, token=token)
    if loose:
        name, why = next(iter(loose.items()))
        raise ModPluralError(f"{name}: cannot be pinned, so nothing was pushed ({why})")
    done: dict[str, Pushed] = {}
    options: dict[str, Any] = {"private": private, "tag": tag, "token": token}
    for target, files in listed.items():
        done[target] = put("adapter", target, files, **options)
        if report:
            report(target, done[target])
    pinned = _with_revisions(pinned, {target: pushed.revision for target, pushed in done.items()})
    done[plan.repo_id] = put("pool", plan.repo_id, pool_files(plan, pinned), **options)
    if report:
        report(plan.repo_id, done[plan.repo_id])
    return done


def refuse_secrets(member: Community) -> None:
    """Refuse to publish an endpoint whose arguments hold a credential, and a server that only this machine may know.

    Raises:
        ModPluralError: Naming the argument, never its value.
    """
    if member.server is not None:
        raise ModPluralError(
            f"community {member.name!r}: 'server' is a place of yours, which nobody can load from the Hub; take it out "
            "and give message_server=… in your own runs."
        )
    if member.endpoint is not None and (name := _secret(member.endpoint.args)):
        raise ModPluralError(
            f"community {member.name!r}: the endpoint's argument {name!r} looks like a credential; take it out of the "
            "pool and let the backend read it from the environment."
        )


def _secret(args: Any, name: str = "") -> str | None:
    """Name of an argument that holds a credential, or an address with a password; None where there is none."""
    if isinstance(args, Mapping):
        found = (_secret(value, f"{name}.{key}".strip(".")) for key, value in args.items())
        return next(filter(None, found), None)
    if isinstance(args, list | tuple):
        return next(filter(None, (_secret(value, name) for value in args)), None)
    if args is None or isinstance(args, bool | int | float):
        return None
    inside = re.search(r"://[^/\s]*:[^/\s]*@", str(args)) or TOKEN.search(str(args).encode())
    secret = any(is_secret_name(part) for part in (name, *name.split(".")))
    return name if secret or inside else None


def _named(names: str, repo_id: str, community: str) -> str:
    owner, _, pool = repo_id.partition("/")
    try:
        return names.format(owner=owner, pool=pool, community=community)
    except (KeyError, IndexError, ValueError) as error:
        raise ModPluralError(
            f"names {names!r}: cannot be filled in ({error}); expected a template such as {NAMES}."
        ) from error


def _published_member(member: Community, target: str, adapter: Adapter) -> Community:
    """The member as it is when its adapter is at ``target``, with what the adapter's folder says of it."""
    stated = {"licence": adapter.licence, "corpus": adapter.corpus, "backbone": adapter.backbone}
    return member.model_copy(update={**stated, "adapter": Weights(path=target)})


def _refuse_local(member: Community) -> None:
    for field in FIELDS:
        weights = getattr(member, field)
        if weights is not None and is_local(weights.path):
            raise ModPluralError(
                f"community {member.name!r}: its {field} lies on this machine ({weights.path}), so nobody else could "
                "load the pool; push it to the Hub and name its repository."
            )


def _with_revisions(pool: Pool, revisions: Mapping[str, str]) -> Pool:
    """Set the revisions of adapters by their repositories."""
    members = [
        member.model_copy(
            update={"adapter": Weights(path=member.adapter.path, revision=revisions[member.adapter.path])}
        )
        if member.adapter is not None and member.adapter.path in revisions
        else member
        for member in pool.communities
    ]
    return pool.model_copy(update={"communities": tuple(members)})
