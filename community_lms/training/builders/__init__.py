"""Builders of corpora: one module a source, found through `BUILDERS`; see README.md."""

from community_lms.training.builders.base import Builder, CorpusRequest
from community_lms.training.builders.registry import BUILDERS
from community_lms.training.builders.write import build

__all__ = ["BUILDERS", "Builder", "CorpusRequest", "build"]
