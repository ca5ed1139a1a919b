"""Where items come from: one module for each upstream data set, one registry for all."""

from plural_tasks.sources import embedded, modular_pluralism
from plural_tasks.sources.base import Source
from plural_tasks.sources.locate import DATA_VARIABLE, locate
from plural_tasks.sources.read import read_items

SOURCES: dict[str, Source] = {source.name: source for source in (*modular_pluralism.SOURCES, *embedded.SOURCES)}

__all__ = ["DATA_VARIABLE", "SOURCES", "Source", "locate", "read_items"]
