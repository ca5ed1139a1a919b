"""Builders of corpora: one module a source, found through `BUILDERS`; see README.md."""

from __future__ import annotations

from community_lms.training.builders.base import Builder, CorpusRequest
from community_lms.training.builders.community_alignment import COMMUNITY_ALIGNMENT
from community_lms.training.builders.culturebank import CULTUREBANK
from community_lms.training.builders.files import FILES
from community_lms.training.builders.politics import POLITICS
from community_lms.training.builders.prism import PRISM
from community_lms.training.builders.survey import SURVEY
from community_lms.training.builders.write import build

BUILDERS = {builder.name: builder for builder in (CULTUREBANK, POLITICS, SURVEY, COMMUNITY_ALIGNMENT, PRISM, FILES)}

__all__ = ["BUILDERS", "Builder", "CorpusRequest", "build"]
