"""Survey questions made by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plural_tasks.sources.surveys import SurveyQuestion, Surveys

Shares = Sequence[float]
STUDY: dict[str, Any] = {
    **{"title": "t", "producer": "p", "citation": "c", "homepage": "h", "weighting": "w"},
    "known_issues": ["none"],
}


def question(
    name: str = "q",
    options: Sequence[str] = ("Yes", "No"),
    groups: Mapping[str, Shares] | None = None,
    populations: Mapping[str, tuple[str, Shares]] | None = None,
    split: str = "test",
) -> SurveyQuestion:
    """A question: shares by a group's attribute, stratum and shares by a population's."""
    cell = {"n": 100, "n_eff": 100.0, "standard_errors": [0.0] * len(options)}
    asked = [
        {**cell, "id": f"g{place}", "attribute": attribute, "shares": shares, "category": "c", "steerable": True}
        for place, (attribute, shares) in enumerate((groups or {}).items())
    ]
    wholes = [
        {**cell, "id": f"p{place}", "attribute": attribute, "shares": shares, "stratum": stratum}
        for place, (attribute, (stratum, shares)) in enumerate((populations or {}).items())
    ]
    fields: dict[str, Any] = {"study": "s", "family": name, "microdata": ["m"], "variable": "v", "wording": "ours"}
    return SurveyQuestion.model_validate(
        {
            **fields,
            "id": name,
            "split": split,
            "note": "",
            "text": f"Question {name}?",
            "options": list(options),
            "ordinal": False,
            "dont_know": [],
            "groups": asked,
            "populations": wholes,
        }
    )


def surveys(*questions: SurveyQuestion) -> Surveys:
    """A file of questions."""
    return Surveys.model_validate({"package": "p", "microdata": {}, "studies": {"s": STUDY}, "questions": questions})
