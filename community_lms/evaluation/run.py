"""Evaluate a pool's communities, part by part; results are kept, and a second run goes on from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal

from community_lms.evaluation.asking import Render, as_json, ask_all, pick_questions, requests_digest, requests_for
from community_lms.evaluation.groups import Groups
from community_lms.evaluation.perplexity import BACKBONE, Reading, as_rows, cross_table, from_rows
from community_lms.evaluation.result_cache import ResultCache
from community_lms.evaluation.texts import EvaluationText, FoundTexts, find_texts, texts_digest
from community_lms.generation.ask import Asker
from community_lms.messages.message import Message
from community_lms.pools.identity import fingerprint, identity
from community_lms.pools.spec import Community, Pool
from plural_tasks.sources.surveys import SurveyQuestion, Surveys
from plural_tasks.utils.errors import ModPluralError
from plural_tasks.utils.files import json_ready

Part = Literal["perplexity", "agreement", "distinctness", "messages"]
PARTS: tuple[Part, ...] = ("perplexity", "agreement", "distinctness", "messages")


@dataclass(frozen=True)
class Settings:
    """Settings of an evaluation.

    Attributes:
        parts: Some of `PARTS`.
        limit: At most so many texts of each corpus, and so many questions; None takes all.
        samples: Messages of each community on each question.
        seed: Seed of the messages.
        engine: Engine that generates the messages: ``auto`` or a name in `community_lms.engines.ENGINES`.
        split: Split of the survey questions.
        text_part: ``held_out``, or ``all`` of each corpus.
        judge: The embedding judge, as `plural_tasks.judges.load_judge` takes it.
        max_length: Tokens of a context and text read together; see `PerplexityReader`.
        batch_size: Texts read at once.
        device: Torch device.
        dtype: Precision of the weights that read texts.
    """

    parts: tuple[Part, ...] = PARTS
    limit: int | None = 200
    samples: int = 5
    seed: int = 1234
    engine: str = "auto"
    split: str = "test"
    text_part: str = "held_out"
    judge: str = "embedding"
    max_length: int = 1024
    batch_size: int = 16
    device: str | None = None
    dtype: str = "auto"


@dataclass
class Evaluation:
    """One evaluation of one pool: call `run`.

    Attributes:
        pool: Pool of the communities that are measured; modules that are no community are left out.
        settings: Settings of the evaluation.
        results: Results of earlier runs, and of this one.
        corpora: Name of a text -> file or data set; see `find_texts`.
        groups: Community -> survey groups with whose answers it is compared.
        surveys: The questions.
        render: Words a question for a community.
        asker: Asks for messages, and keeps them.
        notes: Parts and texts that were left out, with the reason.
    """

    pool: Pool
    settings: Settings
    results: ResultCache
    corpora: Mapping[str, str]
    groups: Mapping[str, Groups]
    surveys: Surveys
    render: Render
    asker: Asker
    notes: list[str] = field(default_factory=list)
    _asked: tuple[list[SurveyQuestion], dict[str, str], Any] | None = None

    def run(self, part: Part) -> dict[str, Any] | None:
        """Return the figures of one part as plain JSON, or None (and a note) where it cannot be measured.

        Raises:
            ModPluralError: If a model, corpus or engine cannot be used.
        """
        made = {
            "perplexity": self._perplexity,
            "agreement": self._agreement,
            "distinctness": self._distinctness,
            "messages": self._messages,
        }[part]()
        return None if made is None else dict(json_ready(made))

    def facts(self) -> dict[str, Any]:
        """Name and fingerprint of the pool, its backbone and its communities."""
        stands = next((member.backbone for member in self.pool.community_members if member.backbone is not None), None)
        return {
            "pool": self.pool.name,
            "fingerprint": fingerprint(self.pool),
            "backbone": stands.path if stands else None,
            "communities": [member.name for member in self.pool.community_members],
        }

    def _perplexity(self) -> dict[str, Any] | None:
        readers = self._readers()
        found = find_texts(
            self.pool.community_members, self.corpora, part=self.settings.text_part, limit=self.settings.limit
        )
        self.notes.extend(f"perplexity: no text of {name}: {why}." for name, why in found.missing.items())
        if not found.texts or not readers:
            self.notes.append("perplexity: left out, there is no text or nobody to read it.")
            return None
        readings, cut = self._read(readers, found)
        self.notes.extend(
            f"perplexity: {count} of {len(found.texts[name])} texts of {name} were longer than "
            f"{self.settings.max_length // 2} tokens and lost their end."
            for name, count in cut.items()
            if count
        )
        return {**cross_table(readings, found.texts), "sources": found.sources, "cut": cut}

    def _readers(self) -> dict[str, Community]:
        """The communities that can read, and the bare backbone."""
        if any(member.name == BACKBONE for member in self.pool.community_members):
            raise ModPluralError(
                f"pool {self.pool.name!r}: a community is called {BACKBONE!r}, as the backbone is; rename it."
            )
        far = [member.name for member in self.pool.community_members if member.kind == "endpoint"]
        if far:
            self.notes.append(f"perplexity: {', '.join(far)} cannot read texts: an endpoint gives no likelihoods.")
        readers = {member.name: member for member in self.pool.community_members if member.kind != "endpoint"}
        stands = list(dict.fromkeys(member.backbone for member in readers.values() if member.backbone is not None))
        if stands:
            readers[BACKBONE] = Community(name=BACKBONE, description="the backbone alone", checkpoint=stands[0])
        if len(stands) > 1:
            self.notes.append(f"perplexity: the pool has several backbones; {BACKBONE!r} is {stands[0].path}.")
        return readers

    def _read(
        self, readers: Mapping[str, Community], found: FoundTexts
    ) -> tuple[dict[str, dict[str, list[Reading]]], dict[str, int]]:
        """Readings of all texts by all readers, and how many of each text were cut."""
        reader = cache(self._reader)  # loaded for the first text whose reading is not kept
        readings: dict[str, dict[str, list[Reading]]] = {}
        cut: dict[str, int] = {}
        for name, member in readers.items():
            readings[name] = {}
            for text, documents in found.texts.items():
                inputs: dict[str, Any] = {
                    "reader": identity(member),
                    "persona": member.persona,
                    "text": texts_digest(documents),
                    "max_length": self.settings.max_length,
                    "dtype": self.settings.dtype,
                }
                make = partial(_read_texts, reader, member, documents, f"{name} reads {text}")
                result = self.results.get("reading", inputs, make)
                readings[name][text] = from_rows(result["rows"])
                cut[text] = max(cut.get(text, 0), result["cut"])
        if reader.cache_info().currsize:
            self.notes.extend(f"perplexity: {warning.text}" for warning in reader().warnings)
            reader().close()
        return readings, cut

    def _reader(self) -> Any:
        from community_lms.evaluation.reader import PerplexityReader

        return PerplexityReader(
            batch_size=self.settings.batch_size,
            max_length=self.settings.max_length,
            device=self.settings.device,
            dtype=self.settings.dtype,
            show_progress=self.asker.show_progress,
        )

    def _answers(self) -> tuple[list[SurveyQuestion], dict[str, str], dict[str, dict[str, list[Message]]]]:
        """Questions, the digests of what was asked, and the messages; asked once for all parts."""
        if self._asked is None:
            names = [member.name for member in self.pool.community_members]
            groups = {name: self.groups[name] for name in names if name in self.groups}
            limit, split = self.settings.limit, self.settings.split
            questions = pick_questions(self.surveys, groups, split=split, limit=limit)
            samples = self.settings.samples
            requests = {
                member.name: requests_for(
                    member,
                    questions,
                    self.render,
                    decoding=self.pool.decoding,
                    samples=samples,
                    seed=self.settings.seed,
                    engine=self.settings.engine,
                )
                for member in self.pool.community_members
            }
            asked = requests_digest(requests)
            # Beside the message store, which may be another one next time.
            kept = self.results.get(
                "said", {"requests": asked}, lambda: as_json(ask_all(requests, questions, samples, self.asker))
            )
            self._asked = questions, asked, kept
        questions, asked, kept = self._asked
        answers = {
            name: {
                question: [Message(name, text, tokens=tokens) for text, tokens in said] for question, said in by.items()
            }
            for name, by in kept.items()
        }
        return questions, asked, answers

    def _agreement(self) -> dict[str, Any] | None:
        known = {
            member.name: self.groups[member.name]
            for member in self.pool.community_members
            if member.name in self.groups
        }
        if not known:
            self.notes.append("agreement: left out, no groups are known for these communities; give --groups FILE.")
            return None
        from community_lms.evaluation.agreement import agreement

        questions, asked, answers = self._answers()
        inputs = {
            "requests": asked,
            "groups": {name: groups.model_dump(mode="json") for name, groups in known.items()},
            "questions": [question.model_dump(mode="json") for question in questions],
        }
        made = self.results.get("agreement", inputs, lambda: agreement(answers, questions, known))
        if made["without_groups"]:
            self.notes.append(f"agreement: no groups are known for {', '.join(made['without_groups'])}.")
        return dict(made)

    def _distinctness(self) -> dict[str, Any]:
        from community_lms.evaluation.distinctness import distinctness

        _, asked, answers = self._answers()
        embedder = None
        try:
            embedder = self._embedder()
        except ModPluralError as error:
            self.notes.append(f"distinctness: embedding distances are left out: {error}")
        named = f"{embedder.name}@{embedder.revision}" if embedder else None
        inputs = {"requests": asked, "judge": named}
        return dict(self.results.get("distinctness", inputs, lambda: distinctness(answers, embedder)))

    def _embedder(self) -> Any:
        from plural_tasks.judges import load_judge

        if self.settings.judge.partition(":")[0] != "embedding":
            raise ModPluralError(f"judge {self.settings.judge!r}: expected embedding or embedding:CHECKPOINT.")
        options = {"device": self.settings.device} if self.settings.device else {}
        return load_judge(self.settings.judge, progress=self.asker.show_progress, **options)

    def _messages(self) -> dict[str, Any]:
        from community_lms.evaluation.messages import message_figures

        _, _, answers = self._answers()
        longest = self.pool.decoding.max_new_tokens
        return {
            name: message_figures([one for said in by.values() for one in said], longest)
            for name, by in answers.items()
        }


def _read_texts(
    reader: Callable[[], Any], member: Community, documents: list[EvaluationText], label: str
) -> dict[str, Any]:
    """One reader's readings of one community's texts as plain JSON, with the number of texts that were cut."""
    engine = reader()
    engine.cut = 0
    rows = as_rows(engine.read(member, documents, label))
    return {"rows": rows, "cut": engine.cut}


def read_parts(text: str) -> tuple[Part, ...]:
    """Read ``--parts``: names joined by commas, kept in the order of `PARTS`.

    Raises:
        ModPluralError: If a name is unknown or none is given.
    """
    from plural_tasks.utils.errors import unknown_name

    wanted = [name.strip() for name in text.split(",") if name.strip()]
    for name in wanted:
        if name not in PARTS:
            raise unknown_name("part", name, PARTS, where="--parts")
    if not wanted:
        raise ModPluralError(f"--parts: found nothing, expected some of {', '.join(PARTS)}.")
    return tuple(part for part in PARTS if part in wanted)


def store_folder(out: Path) -> Path:
    """Folder in which an evaluation in ``out`` keeps its results."""
    return out / "parts"
