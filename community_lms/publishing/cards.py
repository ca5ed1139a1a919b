"""Model cards: the README.md of an adapter, and of a pool, on the Hub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from community_lms.pools.spec import Community, Pool
from community_lms.publishing.adapter_folder import Adapter
from community_lms.weights.embedded import EMBEDDED_MODELS, HUB_REPOSITORY
from plural_tasks.publishing.cards import licence_ids

if TYPE_CHECKING:
    from huggingface_hub import ModelCardData

PLACEHOLDER = "OWNER/NAME"
"""Stands for the repository in a card that is not pushed yet."""

TEMPLATES = Path(__file__).resolve().parent / "templates"
TAGS = ("modplural", "pluralistic-alignment", "community-lm")
POOL_TAG = "modplural-pool"

_DATA_ENDINGS = (".json", ".jsonl", ".parquet", ".csv", ".txt")
_VLLM_RANKS = (8, 16, 32, 64, 128, 256, 320, 512)


class CardFigure(NamedTuple):
    """One measured value of a community.

    Attributes:
        measure: Name of the measure, in words.
        value: The value as a number.
        note: Data that it was measured on, or what it is compared with.
        metric: Identifier for the card's metadata; "" keeps the value out of it.
        data: Name of the data, for the metadata.
    """

    measure: str
    value: float
    note: str = ""
    metric: str = ""
    data: str = ""


def adapter_metadata(adapter: Adapter, languages: Sequence[str] = ()) -> ModelCardData:
    """Return the YAML block of an adapter's card; what nobody stated is left out of it."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type="modplural",
            dataset_name=figure.data,
            dataset_config=figure.data,  # the Hub puts results together whose type and configuration agree
            metric_type=figure.metric,
            metric_name=figure.measure,
            metric_value=round(figure.value, 4),
        )
        for figure in figures(adapter)
        if figure.metric
    ]
    return ModelCardData(
        base_model=adapter.base_model,
        base_model_relation="adapter",
        library_name="peft",
        pipeline_tag="text-generation",
        language=list(languages) or None,
        datasets=corpus_repositories(adapter) or None,
        tags=[*TAGS, "lora"],
        model_name=adapter.name if results else None,
        eval_results=results or None,
        **_licence([adapter.licence]),
    )


def adapter_card(adapter: Adapter, repo_id: str = PLACEHOLDER, languages: Sequence[str] = ()) -> str:
    """Return the text of an adapter's card.

    Args:
        adapter: The adapter, as `community_lms.publishing.adapter_folder.read_adapter` returns it.
        repo_id: The repository, for the lines that load it.
        languages: Codes (``en``) of the languages that the community speaks.
    """
    rank = int(adapter.settings.get("r") or 0)
    body = _render(
        "adapter_card.md.jinja",
        adapter=adapter,
        repo_id=repo_id,
        lora=_fields(adapter.settings, "r", "lora_alpha", "lora_dropout", "target_modules"),
        run=_fields(adapter.run, "steps", "tokens", "seconds", "machine", "versions"),
        corpus=_fields(adapter.run.get("corpus"), "licence", "documents", "held_out_documents", "dropped", "sha256"),
        loss=_fields(adapter.run.get("loss"), "train", "held_out_first", "held_out_last"),
        figures=figures(adapter),
        vllm_rank=next((allowed for allowed in _VLLM_RANKS if allowed >= rank), rank),
        embedded=adapter.backbone.path in EMBEDDED_MODELS,
        base_revision=adapter.backbone.revision,
    )
    return f"---\n{adapter_metadata(adapter, languages).to_yaml()}\n---\n\n{body}"


def pool_metadata(pool: Pool, languages: Sequence[str] = ()) -> ModelCardData:
    """Return the YAML block of a pool's card."""
    from huggingface_hub import ModelCardData

    bases = dict.fromkeys(_hub_name(member.backbone.path) for member in pool.communities if member.backbone)
    return ModelCardData(
        base_model=list(bases) or None,
        library_name="modplural",
        pipeline_tag="text-generation",
        language=list(languages) or None,
        tags=[*TAGS, POOL_TAG],
        **_licence([member.licence for member in pool.communities if member.kind != "persona"]),
    )


def pool_card(pool: Pool, repo_id: str = PLACEHOLDER, languages: Sequence[str] = (), title: str | None = None) -> str:
    """Return the text of a pool's card; its members should be pinned.

    Args:
        pool: The pool.
        repo_id: The repository, for the lines that load it.
        languages: Codes (``en``) of the languages that the communities speak.
        title: Heading, by default the pool's name.
    """
    rows = [(member, *_where(member)) for member in pool.communities]
    body = _render("pool_card.md.jinja", pool=pool, repo_id=repo_id, rows=rows, title=title or pool.name)
    return f"---\n{pool_metadata(pool, languages).to_yaml()}\n---\n\n{body}"


def figures(adapter: Adapter) -> list[CardFigure]:
    """Return what the evaluation found for this community; empty where there was none."""
    name, found = adapter.name, adapter.evaluation
    return [*_perplexities(name, found), *_agreement(name, found), *_messages(name, found)]


def corpus_repositories(adapter: Adapter) -> list[str]:
    """Data sets of the Hub among what the adapter was trained on; the record has no local path with a slash."""
    corpus = adapter.run.get("corpus")
    parts = corpus.get("parts", [corpus]) if isinstance(corpus, Mapping) else []
    paths = [str(part.get("path", "")) for part in parts if isinstance(part, Mapping)]
    named = [path for path in paths if re.fullmatch(r"[\w.-]+/[\w.-]+", path) and not path.endswith(_DATA_ENDINGS)]
    return list(dict.fromkeys(named))


def _perplexities(name: str, found: Mapping[str, Any]) -> list[CardFigure]:
    """Perplexity of the community's own text: its own, the backbone's, and the best of the others'."""
    cross = found.get("perplexity") or {}
    if name not in cross.get("texts", []) or name not in cross.get("readers", []):
        return []
    column = cross["texts"].index(name)
    by_reader = {reader: row[column] for reader, row in zip(cross["readers"], cross["table"], strict=True)}
    tokens = (cross.get("tokens") or {}).get(name)
    of = f"{tokens:,} tokens" if tokens else ""
    data = f"held-out text of {name}"
    rows = [CardFigure("perplexity of its own held-out text", by_reader[name], of, "perplexity", data)]
    if by_reader.get("backbone") is not None:
        rows.append(CardFigure("the same text read by the bare backbone", by_reader["backbone"], of))
    others = {reader: value for reader, value in by_reader.items() if reader not in (name, "backbone") and value}
    if others:
        best = min(others, key=lambda reader: others[reader])
        rows.append(CardFigure("the same text read by another community, the best of them", others[best], best))
    return [row for row in rows if row.value is not None]


def _agreement(name: str, found: Mapping[str, Any]) -> list[CardFigure]:
    """Agreement with the survey answers of the community's own groups."""
    agreed = (found.get("agreement") or {}).get(name) or {}
    groups = ", ".join(map(str, agreed.get("groups") or [])) or "its own groups"
    note = f"{agreed['n']} held-out questions, {groups}" if agreed.get("n") else groups
    kinds = {"js_distance": "Jensen-Shannon distance (0 is agreement)", "accuracy": "share of questions answered alike"}
    return [
        CardFigure(f"survey answers: {words}", agreed[metric], note, metric, f"survey answers of {groups}")
        for metric, words in kinds.items()
        if agreed.get(metric) is not None
    ]


def _messages(name: str, found: Mapping[str, Any]) -> list[CardFigure]:
    """Shares of messages that say nothing of use, and their length."""
    counted = (found.get("messages") or {}).get(name) or {}
    note = f"of {counted['n']} messages" if counted.get("n") else ""
    kinds = {kind: f"share of {kind} messages" for kind in ("empty", "refused", "degenerate")}
    kinds["mean_tokens"] = "mean length of a message, in tokens"
    rows = [CardFigure(words, counted[kind], note) for kind, words in kinds.items() if counted.get(kind) is not None]
    likeness = ((found.get("distinctness") or {}).get("self_bleu") or {}).get(name)
    return rows if likeness is None else [*rows, CardFigure("self-BLEU of its messages (low is varied)", likeness)]


def _licence(texts: Sequence[str]) -> dict[str, Any]:
    """Licence fields of the metadata: what the Hub knows by name, else ``other`` with its name, else ``unknown``."""
    stated = list(dict.fromkeys(text for text in texts if text))
    known = list(dict.fromkeys(name for text in stated for name in licence_ids(text)))
    if not known:
        return {"license": "unknown"}
    if known == ["other"] and all("not stated" in text for text in stated):
        return {"license": "unknown"}
    named = {"license_name": _slug("; ".join(text for text in stated if "other" in licence_ids(text)))}
    return {"license": known[0] if len(known) == 1 else known} | (named if "other" in known else {})


def _fields(data: Any, *names: str) -> dict[str, Any]:
    """The named fields of a record; None for one that it lacks, which the template then leaves out."""
    given = data if isinstance(data, Mapping) else {}
    return {name: given.get(name) for name in names}


def _where(member: Community) -> tuple[str, str, str]:
    """Repository of a member's weights, their revision, and what stands under them."""
    if member.endpoint is not None:
        return f"{member.endpoint.backend} {member.endpoint.args.get('model', '')}".strip(), "", ""
    weights = member.checkpoint or member.adapter
    under = member.backbone
    base = f"{_hub_name(under.path)}{'@' + under.revision[:8] if under.revision else ''}" if under else ""
    return (weights.path, weights.revision or "", base) if weights else ("persona", "", base)


def _hub_name(path: str) -> str:
    return HUB_REPOSITORY if path in EMBEDDED_MODELS else path


def _render(template: str, **values: Any) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters["cell"] = lambda value: " ".join(str(value).split()).replace("|", r"\|")
    environment.filters["number"] = _number
    environment.filters["quoted"] = lambda value: '"' + str(value).replace("\\", "\\\\").replace('"', r"\"") + '"'
    return environment.get_template(template).render(**values)


def _number(value: Any) -> str:
    """A number for people: whole ones with separators, others to four significant digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", text.casefold()).strip("-")[:96] or "unknown"
