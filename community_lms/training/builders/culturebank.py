"""CultureBank (Shi et al. 2024, arXiv 2404.15238): what people tell of their cultures on TikTok and Reddit.

The Hub data set has the splits ``tiktok`` and ``reddit``, one CSV file each. A row describes what is usual in a
cultural group: ``cultural group``, ``context``, ``actor``, ``actor_behavior``, and, where known, ``recipient``,
``recipient_behavior``, ``goal``, ``other_descriptions``, ``topic`` and ``agreement`` (share of tellers who agree).
"""

from __future__ import annotations

from collections.abc import Iterator

from community_lms.training.builders.base import Builder, CorpusRequest, by_place, column, community_name, text_field
from community_lms.training.corpus import Record
from community_lms.training.rows import is_on_hub, rows, splits
from community_lms.training.seen import fingerprint
from community_lms.training.tally import CorpusTally
from plural_tasks.sources.base import LocatedRow

PROMPT_TEMPLATES = (
    "What is usual where you come from, when it comes to {about}?",
    "How do people in your culture see {about}?",
    "Tell me about {about} among the people you grew up with.",
)
COMMENT_TEMPLATES = (
    "In my culture ({group}), {actor} {behaviour}.",
    "Where I come from ({group}), {actor} {behaviour}.",
    "Among us ({group}), {actor} {behaviour}.",
)
AGREED = (
    (0.8, "Most of us would say so."),
    (0.5, "Many of us would say so, not all."),
    (0.0, "Not all of us would say so."),
)


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield a prompt and a comment for each row, in the project's own wording around the row's own words."""
    for row in _rows(request):
        tally.read += 1
        group = str(column(row, "cultural group", "cultural_group") or "").strip()
        behaviour = str(column(row, "actor_behavior", "actor's behavior") or "").strip(" .")
        if not text_field({"": behaviour}, ""):
            tally.drop("no behaviour")
            continue
        community = community_name(group) if request.by == "group" else by_place(group, request.by, tally)
        if community:
            yield CULTUREBANK.record(request, community, *_prompt_and_comment(row, group, behaviour))
        elif request.by == "group":
            tally.drop("no group")


def _rows(request: CorpusRequest) -> Iterator[LocatedRow]:
    if request.split is not None or not is_on_hub(request.path):
        yield from rows(request.path, split=request.split, revision=request.revision, subset=request.subset)
        return
    for split in splits(request.path, revision=request.revision, subset=request.subset):
        yield from rows(request.path, split=split, revision=request.revision, subset=request.subset)


def _prompt_and_comment(row: LocatedRow, group: str, behaviour: str) -> tuple[str, str]:
    """Prompt and comment; the row's own text decides between the wordings."""
    chosen = fingerprint(group, behaviour)
    topic, context = text_field(row, "topic"), text_field(row, "context").rstrip(".")
    about = topic.lower() or "everyday life"
    prompt = PROMPT_TEMPLATES[chosen % len(PROMPT_TEMPLATES)].format(about=about)
    if context:
        prompt += f" I mean: {context}."
    actor = text_field(row, "actor") or "people"
    template = COMMENT_TEMPLATES[chosen // 7 % len(COMMENT_TEMPLATES)]
    parts = [template.format(group=group, actor=actor, behaviour=behaviour)]
    recipient, reaction = text_field(row, "recipient"), text_field(row, "recipient_behavior").rstrip(".")
    if recipient and reaction:
        parts.append(f"On their side, {recipient} {reaction}.")
    if goal := text_field(row, "goal").rstrip("."):
        parts.append(f"The point of it: {goal}.")
    if more := text_field(row, "other_descriptions").rstrip("."):
        parts.append(f"Also: {more}.")
    return prompt, " ".join([*parts, *_agreement(row.get("agreement"))])


def _agreement(value: object) -> list[str]:
    try:
        share = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return []
    return [next(text for least, text in AGREED if share >= least)] if 0.0 <= share <= 1.0 else []


CULTUREBANK = Builder(
    name="culturebank",
    title="CultureBank",
    reads="the Hub data set (splits tiktok and reddit), or its CSV files",
    records=records,
    by=("continent", "country", "group"),
    hub="SALT-NLP/CultureBank",
    licence="MIT",
)
