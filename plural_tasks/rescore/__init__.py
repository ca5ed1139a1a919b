"""Score finished outputs in the authors' file format under both scorings, side by side, with the reasons.

The corrected figures come from the functions that the tasks use (`plural_tasks.metrics.corrected`,
`plural_tasks.metrics`, `plural_tasks.judges.judging`), the paper's from `plural_tasks.metrics.paper`.
"""

from plural_tasks.rescore.figure import Reason, RescoredFigure
from plural_tasks.rescore.score import Rescored, needs_judge, rescore, size_note

__all__ = ["Reason", "Rescored", "RescoredFigure", "needs_judge", "rescore", "size_note"]
