"""Community Alignment (arXiv 2507.09650): what people of five countries prefer and why, by their country, language, ….

Of each conversation the first turn is read: its prompt, the answer that the annotator prefers (one of four), and their
feedback. Later turns make no sense without the ones before.
"""

from __future__ import annotations

from collections.abc import Iterator

from community_lms.training.builders.base import Builder, CorpusRequest, by_place, column, community_name, text_field
from community_lms.training.corpus import Record
from community_lms.training.rows import rows
from community_lms.training.tally import CorpusTally
from plural_tasks.sources.base import LocatedRow
from plural_tasks.utils.errors import ModPluralError

WANTED = {
    "en": "What matters to me in an answer:",
    "fr": "Ce qui compte pour moi dans une réponse :",
    "it": "Quello che conta per me in una risposta:",
    "pt": "O que importa para mim em uma resposta:",
    "hi": "मेरे लिए उत्तर में यह मायने रखता है:",
}
"""How feedback is introduced, so that it makes sense as a comment on the prompt; by the conversation's language."""

GROUPED = {
    "language": "assigned_lang",
    "political": "annotator_political",
    "age": "annotator_age",
    "gender": "annotator_gender",
    "education": "annotator_education_level",
}


def records(request: CorpusRequest, tally: CorpusTally) -> Iterator[Record]:
    """Yield for each conversation the preferred answer, the annotator's feedback, or both, as comments."""
    for row in rows(request.path, split=request.split, revision=request.revision, subset=request.subset):
        tally.read += 1
        prompt = _text(column(row, "first_turn_prompt"))
        community = _community(row, request.by, tally)
        if not community:
            continue
        if not prompt:
            tally.drop("no prompt")
            continue
        comments = _comments(row, request.texts)
        if not comments:
            tally.drop("no comment")
        for comment in comments:
            yield COMMUNITY_ALIGNMENT.record(request, community, prompt, comment)


def _comments(row: LocatedRow, texts: str) -> list[str]:
    comments = []
    if texts != "feedback":
        comments.append(_preferred(row))
    feedback = text_field(row, "first_turn_feedback")
    if texts != "preferred" and feedback:
        comments.append(f"{WANTED.get(str(row.get('assigned_lang')), WANTED['en'])} {feedback}")
    return [comment for comment in comments if comment]


def _preferred(row: LocatedRow) -> str:
    name = _text(column(row, "first_turn_preferred_response"))
    if not name:
        return ""
    if name not in {f"response_{letter}" for letter in "abcd"}:
        raise ModPluralError(
            f"{row.where}: column 'first_turn_preferred_response': found {name!r}, expected response_a to response_d."
        )
    return _text(column(row, f"first_turn_{name}"))


def _community(row: LocatedRow, by: str, tally: CorpusTally) -> str:
    if by in ("country", "continent"):
        return by_place(_text(column(row, "annotator_country")), by, tally)
    name = community_name(_text(column(row, GROUPED[by])))
    if not name:
        tally.drop(f"no {by}")
    return name


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


COMMUNITY_ALIGNMENT = Builder(
    name="community_alignment",
    title="Community Alignment",
    reads="the Hub data set, or its files: prompts, preferred answers and feedback with the annotators' country",
    records=records,
    by=("country", "continent", *GROUPED),
    hub="facebook/community-alignment-dataset",
    licence="CC-BY-4.0",
)
