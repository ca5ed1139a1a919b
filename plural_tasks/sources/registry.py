"""The sources by name."""

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
from plural_tasks.sources.base import Source

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
"""Name, as in task YAML (``plural_source``) -> source."""
