"""The sources of items: one module for each upstream data set, one registry for all."""

from plural_tasks.sources.base import LocatedRow, Source
from plural_tasks.sources.fetch import DATA_VARIABLE
from plural_tasks.sources.locate import locate
from plural_tasks.sources.read import read_items
from plural_tasks.sources.registry import SOURCES

__all__ = ["DATA_VARIABLE", "SOURCES", "LocatedRow", "Source", "locate", "read_items"]
