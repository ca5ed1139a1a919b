"""The human study of two runs' Overton answers: blinded export, import, analysis."""

from plural_tasks.human_study.analysis import MAX_FAILED, report
from plural_tasks.human_study.export import ANSWERS, KEY, RATERS, export
from plural_tasks.human_study.key import Key, read_key
from plural_tasks.human_study.read import Returned, keep, read_kept, read_returned
from plural_tasks.human_study.wording import WORDING, Wording, load_wording

__all__ = [
    "ANSWERS",
    "KEY",
    "MAX_FAILED",
    "RATERS",
    "WORDING",
    "Key",
    "Returned",
    "Wording",
    "export",
    "keep",
    "load_wording",
    "read_kept",
    "read_key",
    "read_returned",
    "report",
]
