"""``modplural doctor``: look at everything that a run needs, before hours are spent on it.

One file for each area of the setup; every check is a function that yields findings, and all are found in `checks`.
"""

from model_wrappers.doctor.base import LEVELS, Check, Finding, Level
from model_wrappers.doctor.checks import CHECKS, examine
from model_wrappers.doctor.visit import Visit

__all__ = ["CHECKS", "LEVELS", "Check", "Finding", "Level", "Visit", "examine"]
