"""Find, read, combine, narrow and weigh pools."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from community_lms.spec import Community, Pool
from plural_tasks.checked import parse, read_yaml
from plural_tasks.errors import ModPluralError, unknown_name

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
    """Load the pool that ``spec`` names: a preset, a file, a preset's community, or several joined by ``+``.

    Args:
        spec: For example ``perspective``, ``./pools/mine.yaml``, ``perspective+asia_culture``.

    Raises:
        ModPluralError: If a part names nothing, a community occurs twice, or the parts decode differently.
    """
    text = str(spec).strip()
    parts = [text] if Path(text).is_file() else [part.strip() for part in text.split("+")]
    pools = [_part(part) for part in parts]
    if len(pools) == 1:
        return pools[0]
    first = pools[0]
    for pool in pools[1:]:
        if pool.decoding != first.decoding:
            raise ModPluralError(
                f"pool {text!r}: {first.name!r} and {pool.name!r} decode messages differently; "
                "write one pool file instead."
            )
    members = [member for pool in pools for member in pool.communities]
    return parse(
        Pool,
        {"name": text, "decoding": first.decoding, "communities": members},
        where=f"pool {text!r}",
    )


def select(pool: Pool, communities: Selection) -> Pool:
    """Keep the named communities, in the pool's order.

    Args:
        pool: The pool.
        communities: Names, as a list or joined by ``+``; None keeps all.

    Raises:
        ModPluralError: If a name is not in the pool or none is left.
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
    return pool.model_copy(update={"communities": kept})


def weigh(pool: Pool, weights: WeightSpec) -> dict[str, float]:
    """Return one weight per community, in the pool's order, summing to 1.

    Args:
        pool: The pool.
        weights: None for the pool's prior weights; numbers in the pool's order (a list, or joined by ``+``); or
            numbers by name (a mapping, or ``left:2+right:1``), where unnamed communities keep their prior weight.

    Raises:
        ModPluralError: If the number of weights differs from the number of communities, a name is unknown, or a
            weight is not a positive finite number.
    """
    prior = {member.name: member.prior_weight for member in pool.communities}
    raw = prior if weights is None else {**prior, **_given(pool, weights)}
    for name, value in raw.items():
        if not 0.0 < value < float("inf"):
            raise ModPluralError(f"weights: {name} has {value:g}, expected a positive number.")
    total = sum(raw.values())
    return {name: value / total for name, value in raw.items()}


def _given(pool: Pool, weights: Any) -> dict[str, float]:
    if isinstance(weights, Mapping):
        pairs = list(weights.items())
    else:
        parts = _split(weights) if isinstance(weights, str) else weights if isinstance(weights, Sequence) else [weights]
        if parts and all(":" in str(part) for part in parts):
            pairs = [(name.strip(), value) for name, value in (str(part).split(":", 1) for part in parts)]
        elif len(parts) != len(pool.names):
            raise ModPluralError(
                f"weights: found {len(parts)}, expected {len(pool.names)}, one for each of {', '.join(pool.names)}."
            )
        else:
            pairs = list(zip(pool.names, parts, strict=True))
    for name, _ in pairs:
        if name not in pool.names:
            raise unknown_name("community", name, pool.names, where="weights")
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
    if part in preset_names():
        return read_pool(PRESET_FOLDER / f"{part}.yaml")
    if os.sep in part or part.endswith((".yaml", ".yml")):
        return read_pool(Path(part).expanduser())
    for pool in _presets():
        if part in pool.names:
            member = next(member for member in pool.communities if member.name == part)
            return pool.model_copy(update={"name": part, "communities": (member,)})
    known = [*preset_names(), *(name for pool in _presets() for name in pool.names)]
    raise unknown_name("pool", part, dict.fromkeys(known), where="pool (a preset, a community of one, or a path)")


def _presets() -> Iterator[Pool]:
    for name in preset_names():
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
