"""What a run says of itself, and the labels that tell runs apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from plural_tasks.utils.arguments import parse_arguments, without_folders
from plural_tasks.utils.errors import ModPluralError

_NAMING = ("peft", "delta", "pretrained", "model", "path", "engine")
"""Model arguments that name a model, in the harness's order."""


@dataclass(frozen=True)
class Facts:
    """What a run says of itself; "" and None where it does not.

    Attributes:
        model: Name of the (base) model: a repository, an API's name, or the last part of a path.
        backend: The harness's name for the model class (``hf``, ``modplural``, …).
        base: modplural's base backend.
        method: modplural's method; "" for a plain model.
        pool: modplural's pool.
        communities: Their names.
        modules: Name -> role of the pool's members that are no community.
        elicitation: How modplural got distributions out of the base LLM; "" where a run wanted none, or does not say.
        chat: Whether a chat template was applied.
        seed: modplural's seed of messages and fallbacks, else the harness's for torch.
        fallbacks: modplural's own fallbacks by kind, over the whole run.
        limit: ``--limit``; None for a whole run.
        date: When the run began, UTC, ISO 8601.
    """

    model: str
    backend: str
    base: str = ""
    method: str = ""
    pool: str = ""
    communities: tuple[str, ...] = ()
    modules: Mapping[str, str] | None = None
    elicitation: str = ""
    chat: bool = False
    seed: int | None = None
    fallbacks: Mapping[str, int] | None = None
    limit: float | None = None
    date: str = ""

    @property
    def name(self) -> str:
        """The method of modplural, or the plain model's short name."""
        return self.method or self.model.rsplit("/", 1)[-1]


def read_facts(data: Mapping[str, Any]) -> Facts:
    """Read the facts of a results file."""
    config = data["config"]
    own = config.get("modplural")
    own = own if isinstance(own, Mapping) else {}
    arguments = parse_arguments(config.get("model_args"))
    backend = str(config.get("model") or data.get("model_source") or "")
    named = next((str(arguments[name]) for name in _NAMING if arguments.get(name)), "")
    limit = config.get("limit")
    return Facts(
        model=without_folders(named) or str(own.get("base") or backend),
        backend=backend,
        base=str(own.get("base", "")),
        method=str(own.get("method", "")),
        pool=str(own.get("pool", "")),
        communities=tuple(str(name) for name in own.get("communities", ())),
        modules=_modules(own),
        elicitation=_elicitation(own),
        chat=bool(data.get("chat_template")),
        seed=own.get("seed", config.get("torch_seed")),
        fallbacks=dict(own["fallbacks"]) if isinstance(own.get("fallbacks"), Mapping) else None,
        limit=float(limit) if isinstance(limit, (int, float)) else None,
        date=_date(data.get("date")),
    )


def _modules(own: Mapping[str, Any]) -> dict[str, str] | None:
    found = own.get("modules")
    return {str(name): str(role) for name, role in found.items()} if isinstance(found, Mapping) else None


def _elicitation(own: Mapping[str, Any]) -> str:
    found = own.get("elicitation")
    return str(found.get("route") or "") if isinstance(found, Mapping) else ""


def _date(value: Any) -> str:
    if not isinstance(value, (int, float)):
        return ""
    return datetime.fromtimestamp(value, tz=timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def tell_apart(facts: Sequence[Facts], given: Sequence[str]) -> list[str]:
    """Labels for runs: the given ones, else the name, with as many further facts as it takes to tell runs apart.

    Raises:
        ModPluralError: If a label was given twice.
    """
    twice = [label for label, count in Counter(label for label in given if label).items() if count > 1]
    if twice:
        raise ModPluralError(f"label {twice[0]!r} was given to two runs; give every run its own.")
    labels = [label or fact.name for label, fact in zip(given, facts, strict=True)]
    for field in ("model", "pool", "elicitation", "chat", "seed", "limit", "date"):
        counts = Counter(labels)
        for label in [label for label, count in counts.items() if count > 1]:
            places = [place for place, other in enumerate(labels) if other == label and not given[place]]
            texts = {place: _said(field, getattr(facts[place], field)) for place in places}
            if len(set(texts.values())) > 1:
                for place, text in texts.items():
                    labels[place] = f"{label}, {text}"
    return _number(labels, given)


def _said(field: str, value: Any) -> str:
    if field == "chat":
        return "chat template" if value else "no chat template"
    if field == "model":
        return str(value).rsplit("/", 1)[-1]
    if field == "limit" and value is None:
        return "full run"
    return f"{field} {value:g}" if isinstance(value, (int, float)) else f"{field} {value or 'unknown'}"


def _number(labels: Sequence[str], given: Sequence[str]) -> list[str]:
    """Append ``#2``, ``#3``, … to labels that no fact tells apart."""
    taken = {label for label in given if label}
    numbered = []
    for label, own in zip(labels, given, strict=True):
        unique, count = label, 1
        while not own and unique in taken:
            count += 1
            unique = f"{label} #{count}"
        taken.add(unique)
        numbered.append(unique)
    return numbered
