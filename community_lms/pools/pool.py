"""Find, read, combine and narrow pools, and weigh their communities."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from community_lms.pools import hub
from community_lms.pools.spec import Community, Pool
from plural_tasks.utils.checked import parse, read_yaml
from plural_tasks.utils.errors import ModPluralError, nearest, unknown_name

PRESET_FOLDER = Path(__file__).resolve().parent / "presets"

Selection = str | Sequence[str] | None
WeightSpec = str | float | Sequence[float] | Sequence[str] | Mapping[str, float] | None


def preset_names() -> tuple[str, ...]:
    """Names of the pools that ship with the package."""
    return tuple(sorted(path.stem for path in PRESET_FOLDER.glob("*.yaml")))


@cache
def read_pool(path: Path) -> Pool:
    """Read one pool file; local weights are looked up relative to the file.

    Raises:
        ModPluralError: If the file is missing, malformed, or describes no valid pool.
    """
    data = read_yaml(path)
    if isinstance(data, Mapping) and "communities" in data:
        data = {**data, "communities": _members(data["communities"], path)}
    pool = parse(Pool, data, where=str(path)).resolved()
    return pool.model_copy(update={"communities": tuple(_local(member, path) for member in pool.communities)})


def load_pool(spec: str) -> Pool:
    """Load the pool that ``spec`` names: a preset, a file, a member of a preset, or several with ``+`` and ``-``.

    ``A+B`` adds the members of B, ``A-b`` takes the member b out, from left to right. Names and paths may hold a ``-``
    themselves: it is an operator only where what stands left of it names a pool and what stands right of it a member
    of all that was put together so far, and the longest known name wins.

    Args:
        spec: Expression such as ``perspective``, ``./pools/mine.yaml``, ``perspective-reddit_center+asia_culture``.

    Raises:
        ModPluralError: If a part names nothing or several things, a member occurs twice or is not there to be taken
            out, the parts decode differently, or no community is left.
    """
    text = str(spec).strip()
    parts = [text] if Path(text).is_file() else [part.strip() for part in text.split("+")]
    pool: Pool | None = None
    for part in parts:
        pool = _step(pool, part, text)
    assert pool is not None  # split() gives at least one part
    return _with_community(pool, f"pool {text!r}")


def _step(pool: Pool | None, part: str, text: str) -> Pool:
    """Apply one part of an expression to the pool so far: add the pool it names, take out the members it names."""
    problem: ModPluralError | None = None
    for added, removed in _candidates(part):
        try:
            whole = added if pool is None else _joined(pool, added, text)
            return _without(whole, removed, text) if removed else whole
        except ModPluralError as error:
            problem = problem or error  # of the longest name; a shorter one may fit
    if problem is not None:
        raise problem
    whole = _part(part)
    return whole if pool is None else _joined(pool, whole, text)


def _candidates(part: str) -> Iterator[tuple[Pool, str]]:
    """Pools that a part may begin with, the longest name first, each with the members to take out ("": none)."""
    if hub.is_name(part):
        yield from hub.candidates(part)
        return
    for end in (len(part), *_hyphens(part)):
        removed = part[end + 1 :].strip()
        found = _find(part[:end].strip()) if removed or end == len(part) else None
        if found is not None:
            yield found, removed


def _hyphens(part: str) -> list[int]:
    return [place for place in range(len(part) - 1, 0, -1) if part[place] == "-"]


def _joined(pool: Pool, added: Pool, text: str) -> Pool:
    if added.decoding != pool.decoding:
        raise ModPluralError(
            f"pool {text!r}: {pool.name!r} and {added.name!r} decode messages differently; write one pool file instead."
        )
    if added.tell_attribute != pool.tell_attribute:
        telling, other = (pool, added) if pool.tell_attribute else (added, pool)
        raise ModPluralError(
            f"pool {text!r}: the communities of {telling.name!r} are told the attribute, and those of {other.name!r} "
            "are not; write one pool file instead."
        )
    members = [*pool.communities, *added.communities]
    data = {
        "name": text,
        "decoding": pool.decoding,
        "tell_attribute": pool.tell_attribute,
        "communities": members,
    }
    return parse(Pool, data, where=f"pool {text!r}")


def _without(pool: Pool, removed: str, text: str) -> Pool:
    """Take members out; ``removed`` are their names, joined by ``-``."""
    members = list(pool.communities)
    while removed:
        names = [member.name for member in members]
        name = next((name for name in sorted(names, key=len, reverse=True) if _begins(removed, name)), None)
        if name is None:
            raise unknown_name("community", removed, names, where=f"pool {text!r}, what is taken out of {pool.name!r}")
        members = [member for member in members if member.name != name]
        removed = removed[len(name) :].lstrip().removeprefix("-").strip()
        if not members:
            raise ModPluralError(
                f"pool {text!r}: without {name!r} nobody is left; a pool needs at least one community."
            )
    return pool.model_copy(update={"name": text, "communities": tuple(members)})


def _begins(removed: str, name: str) -> bool:
    rest = removed.removeprefix(name).lstrip() if removed.startswith(name) else None
    return rest == "" or (rest is not None and rest.startswith("-") and bool(rest[1:].strip()))


def _with_community(pool: Pool, where: str) -> Pool:
    """Check that a pool has a community, and not modules alone."""
    if pool.community_members:
        return pool
    listed = ", ".join(f"{name} ({role})" for name, role in pool.modules.items())
    raise ModPluralError(f"{where}: has modules only ({listed}); a pool needs at least one community.")


def select(pool: Pool, communities: Selection) -> Pool:
    """Keep the named communities, in the pool's order.

    Args:
        pool: The pool.
        communities: Names of the members to keep, as a list or joined by ``+``; None keeps all.

    Raises:
        ModPluralError: If a name is not in the pool or no community is left.
    """
    if communities is None:
        return pool
    wanted = _split(communities)
    if not wanted:
        raise ModPluralError(f"communities: the list is empty; pool {pool.name!r} has {', '.join(pool.names)}.")
    for name in wanted:
        if name not in pool.names:
            raise unknown_name("community", name, pool.names, where=f"communities (pool {pool.name!r})")
    kept = tuple(member for member in pool.communities if member.name in wanted)
    return _with_community(pool.model_copy(update={"communities": kept}), "communities")


def weigh(pool: Pool, weights: WeightSpec) -> dict[str, float]:
    """Return one weight per community, in the pool's order, summing to 1; modules have none.

    Args:
        pool: The pool, with at least one community.
        weights: None for the pool's prior weights; numbers in the pool's order (a list, or joined by ``+``); or
            numbers by name (a mapping, or ``left:2+right:1``), where unnamed communities keep their prior weight.

    Raises:
        ModPluralError: If the number of weights differs from the number of communities, a name is unknown or that of
            a module, or a weight is not a positive finite number.
    """
    prior = {member.name: member.prior_weight for member in _with_community(pool, "weights").community_members}
    raw = prior if weights is None else {**prior, **_given(pool, weights)}
    for name, value in raw.items():
        if not 0.0 < value < float("inf"):
            raise ModPluralError(f"weights: {name} has {value:g}, expected a positive number.")
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def _given(pool: Pool, weights: Any) -> dict[str, float]:
    names = [member.name for member in pool.community_members]
    if isinstance(weights, Mapping):
        pairs = list(weights.items())
    else:
        parts = _split(weights) if isinstance(weights, str) else weights if isinstance(weights, Sequence) else [weights]
        if parts and all(":" in str(part) for part in parts):
            pairs = [(name.strip(), value) for name, value in (str(part).split(":", 1) for part in parts)]
        elif len(parts) != len(names):
            raise ModPluralError(
                f"weights: found {len(parts)}, expected {len(names)}, one for each of {', '.join(names)}."
            )
        else:
            pairs = list(zip(names, parts, strict=True))
    for name, _ in pairs:
        if name in pool.modules:
            raise ModPluralError(
                f"weights: {name!r} is a {pool.modules[name]} module, which has no view to be weighed; expected "
                f"weights of {', '.join(names)}."
            )
        if name not in names:
            raise unknown_name("community", name, names, where="weights")
    return {name: _number(value, name) for name, value in pairs}


def _number(value: Any, name: str) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ModPluralError(f"weights: {name} has {value!r}, expected a positive number.") from None


def _split(text: Selection) -> list[str]:
    if text is None:
        return []
    parts = str(text).split("+") if isinstance(text, str) else [str(part) for part in text]
    return [part.strip() for part in parts if part.strip()]


def _part(part: str) -> Pool:
    """Return the pool that a name or path stands for.

    Raises:
        ModPluralError: If there is none.
    """
    found = _find(part)
    if found is not None:
        return found
    if _is_path(part):
        return read_pool(Path(part).expanduser())  # which says why it cannot be read
    known = dict.fromkeys([*preset_names(), *(name for pool in _presets() for name in pool.names)])
    begun = [part[:end].strip() for end in (*reversed(_hyphens(part)), len(part))]
    meant = next((name for name in begun if nearest(name, known)), part)
    raise unknown_name("pool", meant, known, where="pool (a preset, a community of one, or a path)")


def _find(part: str) -> Pool | None:
    """Return the pool that a name or path stands for; None if there is none, so that a shorter one may be tried."""
    if part in preset_names():
        return read_pool(PRESET_FOLDER / f"{part}.yaml")
    if _is_path(part):
        path = Path(part).expanduser()
        return read_pool(path) if path.is_file() else None
    return _member(part)


def _is_path(part: str) -> bool:
    return os.sep in part or part.endswith((".yaml", ".yml"))


def _member(name: str) -> Pool | None:
    """A member of a preset as a pool of its own.

    Raises:
        ModPluralError: If presets have different members of that name.
    """
    having = [pool for pool in _presets() if name in pool.names]
    found = [next(member for member in pool.communities if member.name == name) for pool in having]
    variants = [(member, pool.decoding, pool.tell_attribute) for member, pool in zip(found, having, strict=True)]
    if any(variant != variants[0] for variant in variants):
        raise ModPluralError(
            f"pool: {name!r} is not the same community in the presets {', '.join(pool.name for pool in having)}; "
            "write a pool file, or take a preset and narrow it with communities=."
        )
    return having[0].model_copy(update={"name": name, "communities": (found[0],)}) if having else None


def _presets() -> Iterator[Pool]:
    """Presets whose weights are there; a preset without them raises its error when it is named itself."""
    for name in preset_names():
        with suppress(ModPluralError):
            yield read_pool(PRESET_FOLDER / f"{name}.yaml")


def _members(members: Any, path: Path) -> Any:
    """Validate members one by one, so that an error names the community and not only its position."""
    if not isinstance(members, list):
        return members
    return [
        parse(Community, member, where=f"{path}, community {_label(member, number)}")
        for number, member in enumerate(members, start=1)
    ]


def _label(member: Any, number: int) -> str:
    name = member.get("name") if isinstance(member, Mapping) else None
    return repr(name) if name else str(number)


def _local(member: Community, path: Path) -> Community:
    changes = {}
    for field in ("adapter", "checkpoint", "backbone"):
        weights = getattr(member, field)
        if weights is not None and weights.path.startswith((".", "/", "~")):
            folder = (path.parent / Path(weights.path).expanduser()).resolve()
            if not folder.exists():
                raise ModPluralError(
                    f"{path}, community {member.name!r}: {field} {weights.path!r} does not exist ({folder})."
                )
            changes[field] = weights.model_copy(update={"path": str(folder)})
    return member.model_copy(update=changes)
