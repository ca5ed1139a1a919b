"""Where items come from: one module for each upstream data set, one registry for all."""

from plural_tasks.sources import (
    embedded,
    globalopinionqa,
    modular_pluralism,
    moralchoice,
    opinionqa,
    overtonbench,
    surveys,
    valueprism,
    vital,
)
from plural_tasks.sources.base import Row, Source
from plural_tasks.sources.fetch import DATA_VARIABLE
from plural_tasks.sources.locate import locate
from plural_tasks.sources.read import read_items

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        *modular_pluralism.SOURCES,
        *valueprism.SOURCES,
        *opinionqa.SOURCES,
        *moralchoice.SOURCES,
        *globalopinionqa.SOURCES,
        *vital.SOURCES,
        *overtonbench.SOURCES,
        *surveys.SOURCES,
        *embedded.SOURCES,
    )
}

__all__ = ["DATA_VARIABLE", "SOURCES", "Row", "Source", "locate", "read_items"]
