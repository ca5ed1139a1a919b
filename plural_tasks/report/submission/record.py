"""The record that a leaderboard takes of one run: what was measured, how, and on what.

`submission.schema.json` beside this file is the JSON Schema of `Submission`, for those who read records without this
package; a test keeps the two alike.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator
from typing_extensions import Self

from plural_tasks.report.comparing.check import digest
from plural_tasks.report.reading.values import MAIN, range_of
from plural_tasks.report.submission.known import check_task
from plural_tasks.report.submission.redact import check_clean, secret_places
from plural_tasks.utils.checked import Checked, parse, read_json, read_text
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import write_text

_ROUNDING = 1e-9
"""A bootstrapped figure may lie a hair beside its interval."""

SCHEMA_FILE = Path(__file__).with_name("submission.schema.json")

Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=300)]
Note = Annotated[str, StringConstraints(max_length=2000)]
Number = Annotated[float, Field(strict=True)]
Share = Annotated[float, Field(ge=0.0, le=1.0, strict=True)]
Count = Annotated[int, Field(ge=0, strict=True)]


class Estimate(Checked):
    """A figure with its uncertainty.

    Attributes:
        metric: Name of the metric, or of the constant answer.
        value: The figure; null where nothing could be scored.
        se: Standard error, clustered by question; null for aggregates.
        low: Lower end of the 95 % interval; null where it is not known.
        high: Upper end.
        n: Number of documents that were scored.
        clusters: Number of questions that these belong to.
        higher_is_better: The direction; null where there is none.
        source: How value and interval came about: mean over documents, aggregate with a bootstrapped interval, or the
            harness's own figure without one.
    """

    metric: Name
    value: Number | None
    se: Annotated[float, Field(ge=0.0, strict=True)] | None = None
    low: Number | None = None
    high: Number | None = None
    n: Count
    clusters: Count
    higher_is_better: bool | None = None
    source: Literal["documents", "bootstrap", "reported"]

    @field_validator("value", "se", "low", "high")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        if value is not None and not math.isfinite(value):
            raise ValueError("is not finite; what is not known is null.")
        return value

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if (self.low is None) != (self.high is None):
            raise ValueError("an interval has two ends, found one.")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the interval {self.low}..{self.high} is upside down.")
        self._check_value()
        return self

    def _check_value(self) -> None:
        if self.value is None:
            return
        least, most = range_of(self.metric)
        if not least - _ROUNDING <= self.value <= most + _ROUNDING:
            raise ValueError(f"{self.metric} is {self.value}, but it lies between {least:.4g} and {most:.4g}.")
        if self.low is None or self.high is None:
            return
        if not self.low - _ROUNDING <= self.value <= self.high + _ROUNDING:
            raise ValueError(f"{self.metric} is {self.value}, outside of its interval {self.low}..{self.high}.")


class WorstGroup(Checked):
    """The subgroup that fares worst on the main figure, among those that are large enough."""

    field: Name
    group: Name
    value: Number
    n: Count


class TaskRecord(Checked):
    """The figures of one task.

    Attributes:
        task: Name of the task.
        mode: Mode of its documents; "" for tasks that are not modplural's.
        version: Task version.
        n: Number of documents evaluated.
        n_task: Number of documents that the task has.
        shots: Number of few-shot examples.
        main: The main figure.
        others: All other figures.
        constants: Constant answers, in units of the main figure.
        fallback_rate: Share of documents whose answer could not be used; null where the task counts none.
        worst_group: The subgroup that fares worst; null where there is no group large enough.
        judge: Name and revision of the judge; "" where there is none.
        scoring: SHA-256 of everything that decides how the task is asked and scored; rows can be compared when equal.
        documents: SHA-256 over the ids and hashes of the documents; likewise.
        samples: SHA-256 of the samples file.
    """

    task: Name
    mode: Literal["overton", "steerable", "distributional", ""]
    version: Name
    n: Annotated[int, Field(ge=1, strict=True)]
    n_task: Annotated[int, Field(ge=1, strict=True)]
    shots: Count
    main: Estimate
    others: tuple[Estimate, ...]
    constants: tuple[Estimate, ...]
    fallback_rate: Share | None
    worst_group: WorstGroup | None
    judge: str
    scoring: Digest
    documents: Digest
    samples: Digest

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.n > self.n_task:
            raise ValueError(f"{self.n} documents were evaluated of a task that has {self.n_task}.")
        known = MAIN.get(self.mode, ())
        if known and self.main.metric not in known:
            raise ValueError(f"the main figure of mode {self.mode!r} is {known[0]!r}, found {self.main.metric!r}.")
        if self.main.n > self.n:
            raise ValueError(f"the main figure is over {self.main.n} documents, but {self.n} were evaluated.")
        least, most = range_of(self.main.metric)  # constant answers and groups are in its units
        for name, value in self._in_main_units():
            if not least - _ROUNDING <= value <= most + _ROUNDING:  # NaN lies nowhere
                raise ValueError(f"{name} is {value}, but it lies between {least:.4g} and {most:.4g}.")
        return self

    def _in_main_units(self) -> list[tuple[str, float]]:
        found = [(f"constant {one.metric!r}", one.value) for one in self.constants if one.value is not None]
        return found + ([("worst_group.value", self.worst_group.value)] if self.worst_group else [])


class Model(Checked):
    """The model that was evaluated.

    Attributes:
        name: Name of the (base) model.
        revision: Its revision, where the backend states it; likewise the next three.
        sha: Commit of its weights.
        dtype: Number format of its weights.
        parameters: Number of its parameters.
        backend: The harness's name of the model class.
        base: modplural's base backend; "" for a plain model.
        arguments: The harness's ``--model_args`` without secrets, and with paths shortened.
        removed: Names of arguments that were left out as secrets.
        generation: ``--gen_kwargs``.
        chat_template: SHA-256 of the chat template; null where none was applied.
        system_instruction: SHA-256 of the system instruction; null where there was none.
    """

    name: Name
    revision: str | None
    sha: str | None
    dtype: str | None
    parameters: Count | None
    backend: Name
    base: str
    arguments: dict[str, Any]
    removed: tuple[str, ...]
    generation: dict[str, Any]
    chat_template: Digest | None
    system_instruction: Digest | None


class Method(Checked):
    """How modplural had communities collaborate, as the run states it; fallbacks are those of its own steps."""

    name: Name
    mode: str
    pool: Name
    pool_fingerprint: Digest
    communities: tuple[Name, ...]
    weights: dict[str, Share]
    prompts: Name
    prompts_digest: Digest
    message_engine: Name
    message_decoding: dict[str, Any]
    messages_per_community: Annotated[int, Field(ge=1)]
    message_counts: dict[str, Count]
    fallbacks: dict[str, Count]


class Submission(Checked):
    """The record of one run.

    Attributes:
        format: Version of this record's form.
        model: The model that was evaluated.
        method: modplural's method; null for a plain model.
        tasks: What was measured.
        partial: Some task was evaluated on a part of its documents.
        limit: ``--limit``; null where there was none.
        seeds: Seeds by what they seed.
        packages: Versions by package.
        date: When the run began, UTC.
        results: SHA-256 of the results file.
        contact: Person or address that answers questions.
        notes: What readers should know.
    """

    format: Literal["1"] = "1"  # a change of this form raises it
    model: Model
    method: Method | None
    tasks: Annotated[tuple[TaskRecord, ...], Field(min_length=1)]
    partial: bool
    limit: Annotated[float, Field(gt=0.0)] | None
    seeds: dict[str, int]
    packages: dict[str, Name]
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")] | None
    results: Digest
    contact: Note = ""
    notes: Note = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        names = [record.task for record in self.tasks]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"task {twice!r} is there twice.")
        if self.partial != any(record.n < record.n_task for record in self.tasks):
            raise ValueError(f"partial is {self.partial}, but the tasks' n and n_task say otherwise.")
        return self

    def digest(self) -> str:
        """SHA-256 of the record in canonical JSON: the same run gives the same."""
        return digest(self.model_dump(mode="json"))

    def path(self) -> str:
        """Path of the record in a data set: ``submissions/<model>/<digest>.json``."""
        name = "".join(sign if sign.isalnum() or sign in "-_." else "_" for sign in self.model.name.replace("/", "__"))
        return f"submissions/{name.strip('.') or '_'}/{self.digest()[:16]}.json"

    def to_json(self) -> str:
        """The record as it is written."""
        return json.dumps(self.model_dump(mode="json"), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_submission(submission: Submission, path: Path) -> None:
    """Write a record whole or not at all.

    Raises:
        ModPluralError: If it holds what looks like a secret, or the file cannot be written.
    """
    text = submission.to_json()
    check_clean(text, where=str(path))
    write_text(path, text)


def read_submission(path: Path) -> Submission:
    """Read and check a record, as a leaderboard does.

    Raises:
        ModPluralError: If it is no valid record, or its name is the digest of another one.
    """
    check_clean(read_text(path), where=str(path))
    data = read_json(path)
    secret = next(iter(secret_places(data)), None)
    if secret is not None:
        place, name = secret
        raise ModPluralError(f"{path}: {place} holds {name!r}, which may be a secret; take it out.")
    found = parse(Submission, data, where=str(path))
    check_clean(found.to_json(), where=str(path))  # escapes in the file may have hidden something
    for record in found.tasks:
        check_task(record.task, record.mode, record.n_task, where=str(path))
    stem = path.stem
    named = len(stem) == 16 and all(sign in "0123456789abcdef" for sign in stem)
    if named and not found.digest().startswith(stem):
        raise ModPluralError(f"{path}: was changed after it was made (its digest begins with {found.digest()[:16]}).")
    return found


def schema() -> str:
    """The JSON Schema of a record, as `SCHEMA_FILE` holds it."""
    made = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Submission.model_json_schema()}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"
