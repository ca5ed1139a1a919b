"""The harness's ``process_results``: answers of one document in, named figures out.

A figure that needs an answer which is not there is not invented: the fallback that takes its place is stated in each
docstring and counted in ``fallback_rate``.
"""

from plural_tasks.scoring.distributional import distributional
from plural_tasks.scoring.overton import overton
from plural_tasks.scoring.steerable import steerable_generated, steerable_scored

__all__ = ["distributional", "overton", "steerable_generated", "steerable_scored"]
