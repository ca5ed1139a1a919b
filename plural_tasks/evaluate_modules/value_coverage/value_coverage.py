"""Coverage of the values that bear on a situation by answers to it, as an entailment judge sees it."""

from collections.abc import Sequence
from typing import Any

import evaluate

from plural_tasks.evaluate_modules.shared import answer_info, mean
from plural_tasks.judges import Judge, load_judge
from plural_tasks.judges.judging import judge_answers


class ValueCoverage(evaluate.Metric):
    """Mean of `plural_tasks.metrics.coverage.mean_coverage`; the judge is asked once, about all answers' pairs."""

    def _info(self) -> Any:
        return answer_info(__doc__)

    def _compute(
        self, predictions: Sequence[str], references: Sequence[Sequence[str]], judge: str | Judge = "nli"
    ) -> dict[str, float]:
        who = load_judge(judge) if isinstance(judge, str) else judge
        judged = judge_answers(who, references, predictions, reverse=False)
        names = ("coverage", "coverage_33", "coverage_per_sentence", "n_sentences")
        return {name: mean([float(getattr(answer, name)) for answer in judged]) for name in names}
