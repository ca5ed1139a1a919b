"""How a message is generated: one engine a file, found through one registry."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from community_lms.engines.base import MessageEngine
from community_lms.spec import Community
from plural_tasks.errors import unknown_name

ENGINES: dict[str, str] = {
    "backend": "community_lms.engines.backend:BackendEngine",
    "openvino": "community_lms.engines.openvino:OpenVINOEngine",
    "peft": "community_lms.engines.peft:PeftEngine",
    "scripted": "community_lms.engines.scripted:ScriptedEngine",
}
"""Name -> ``module:class``; imported on first use, so that naming an engine loads no torch."""

DEFAULT_BATCH_SIZE = 16
BATCH_SIZES = {"openvino": 64}
"""Messages generated together where nobody says how many: an engine's own number, else the default."""

AUTO = "auto"


def engine_name(choice: str, community: Community) -> str:
    """Return the engine that speaks for a community: ``choice``, or by the community's kind when it is ``auto``.

    Raises:
        ModPluralError: If ``choice`` is no engine.
    """
    if choice == AUTO:
        return "backend" if community.kind == "endpoint" else local_engine()
    if choice not in ENGINES:
        raise unknown_name("message engine", choice, [*ENGINES, AUTO], where="message_engine")
    return choice


def local_engine() -> str:
    """The engine for local weights: ``openvino`` where it is installed (on GPUs it leaves the work to ``peft``)."""
    return "openvino" if find_spec("openvino") else "peft"


def make_engine(name: str, **options: Any) -> MessageEngine:
    """Build the engine called ``name``."""
    module, _, attribute = ENGINES[name].partition(":")
    engine: MessageEngine = getattr(import_module(module), attribute)(**options)
    return engine


__all__ = [
    "AUTO",
    "BATCH_SIZES",
    "DEFAULT_BATCH_SIZE",
    "ENGINES",
    "MessageEngine",
    "engine_name",
    "local_engine",
    "make_engine",
]
