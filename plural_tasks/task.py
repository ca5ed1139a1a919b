"""The harness's task class of modplural: options in several orders, and Overton answers judged all at once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.instance import Instance
from lm_eval.api.task import ConfigurableTask

from plural_tasks.judges import Judge, load_judge
from plural_tasks.judges.judging import JudgedAnswer, judge_answers
from plural_tasks.metrics.permutations import show
from plural_tasks.scoring.elicited import first_text
from plural_tasks.scoring.overton import overton
from plural_tasks.utils.errors import ModPluralError


class PluralTask(ConfigurableTask):
    """A task whose documents are asked once in each of their ``orders``; the scoring puts the answers together.

    A document with one order makes the same requests as under the harness's own class.
    """

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Make the task from its YAML, whose key ``class`` led here."""
        super().__init__(config={key: value for key, value in config.items() if key != "class"})

    def fewshot_context(self, doc: dict[str, Any], num_fewshot: int, *args: Any, **kwargs: Any) -> list[Any]:
        """Return one prompt for each order of the document.

        Examples come from the split ``train`` alone, since a test document may ask what another one answers; they
        stand in the study's order and are the same before every order of a document.

        Raises:
            ModPluralError: If examples are asked for and the data has no such split.
        """
        if num_fewshot and "train" not in self.dataset:
            raise ModPluralError(
                f"task {self.config.task!r}: --num_fewshot {num_fewshot} needs examples that are no test documents, "
                "and the data has none (no split 'train'). Leave --num_fewshot out, or take plural_surveys, which has."
            )
        rnd = getattr(getattr(self, "sampler", None), "rnd", None)
        state = rnd.getstate() if rnd is not None and num_fewshot else None
        made = []
        for shown in in_orders(doc):
            if state is not None:
                rnd.setstate(state)  # type: ignore[union-attr]
            made.append(super().fewshot_context(shown, num_fewshot, *args, **kwargs))
        return made

    def construct_requests(self, doc: dict[str, Any], ctx: Sequence[Any], **kwargs: Any) -> list[Instance]:
        """Return the requests of all orders, one order after the other."""
        requests: list[Instance] = []
        for shown, context in zip(in_orders(doc), ctx, strict=True):
            made = super().construct_requests(shown, context, **kwargs)
            requests.extend(made if isinstance(made, list) else [made])
        for place, request in enumerate(requests):
            request.idx = place  # the harness puts a document's answers in the order of this number
        return requests

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """Return the figures that the task lists, out of all that its scoring has."""
        if self.predict_only:
            return {"bypass": self._metric_fn_list["bypass"](results)}
        return self._listed(super().process_results(doc, results))

    @property
    def predict_only(self) -> bool:
        """Whether the harness asks for answers alone (``--predict_only``)."""
        return "bypass" in self._metric_fn_list

    def _listed(self, scored: Mapping[str, Any]) -> dict[str, Any]:
        return {name: scored[name] for name in self._metric_fn_list}


class OvertonTask(PluralTask):
    """An Overton task: its answers are judged together, once all of them are there.

    The judge comes from the metadata ``plural_judge`` (see `plural_tasks.judges.load_judge`) and
    ``plural_judge_args``, a mapping of its options.
    """

    def build_all_requests(self, **kwargs: Any) -> None:
        """Look up the judge before any answer is asked for, so that a mistake costs no generation."""
        if not self.predict_only:
            metadata = self.config.metadata or {}
            self._judge = load_judge(metadata["plural_judge"], **metadata.get("plural_judge_args") or {})
        super().build_all_requests(**kwargs)

    def apply_filters(self) -> None:
        """Apply the filters, then judge every answer and, as a baseline, every situation given as an answer."""
        super().apply_filters()
        if not self.predict_only:
            self._judge_all(self._judge)

    def _judge_all(self, judge: Judge) -> None:
        self._judge_name = "@".join(filter(None, (judge.name, short_revision(judge.revision))))
        pairs = {}
        for instance in self.instances:
            doc = instance.doc
            for answer in (*map(first_text, instance.filtered_resps.values()), doc["question"]):
                pairs[doc["id"], answer] = doc["explanations"]
        judged = judge_answers(judge, list(pairs.values()), [answer for _, answer in pairs])
        self._judged: dict[tuple[str, str], JudgedAnswer] = dict(zip(pairs, judged, strict=True))

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """Score one answer with what the judge found."""
        if self.predict_only:
            return super().process_results(doc, results)
        answer = first_text(results[0])
        judged, question = self._judged[doc["id"], answer], self._judged[doc["id"], doc["question"]]
        return self._listed(overton(doc, answer, judged, question, self._judge_name))


def short_revision(revision: str) -> str:
    """The first twelve digits of a commit or digest: enough to tell two apart, short enough for a table."""
    kind, colon, digits = revision.rpartition(":")
    return f"{kind}{colon}{digits[:12]}"


def in_orders(doc: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the document once for each of its ``orders``, with its options in that order.

    ``asked`` are the options as communities see them, the same under every order, so that one message serves all. It is
    one of the orders, picked by the document's id: in the study's own the right answer may always stand first.
    """
    orders = doc["orders"]
    picked = orders[int(hashlib.sha256(str(doc["id"]).encode()).hexdigest(), 16) % len(orders)]
    asked = show(doc["options"], picked)
    return [{**doc, "options": show(doc["options"], order), "order": list(order), "asked": asked} for order in orders]
