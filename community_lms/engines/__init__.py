"""How a message is generated: one engine a file, found through one registry."""

from community_lms.engines.base import MessageEngine
from community_lms.engines.registry import (
    AUTO,
    BATCH_SIZES,
    DEFAULT_BATCH_SIZE,
    ENGINE_HELP,
    ENGINES,
    SHARED,
    batch_of,
    engine_name,
    local_engine,
    make_engine,
)

__all__ = [
    "AUTO",
    "BATCH_SIZES",
    "DEFAULT_BATCH_SIZE",
    "ENGINES",
    "ENGINE_HELP",
    "SHARED",
    "MessageEngine",
    "batch_of",
    "engine_name",
    "local_engine",
    "make_engine",
]
