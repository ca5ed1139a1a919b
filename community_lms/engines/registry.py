"""The registry of message engines: their names, what their batches may mix, and how many messages make a batch."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from community_lms.engines.base import MessageEngine
from community_lms.pools.served import SERVER
from community_lms.pools.spec import Community
from plural_tasks.utils.errors import unknown_name

ENGINES: dict[str, str] = {
    "backend": "community_lms.engines.backend:BackendEngine",
    "openvino": "community_lms.engines.openvino:OpenVINOEngine",
    "peft": "community_lms.engines.peft:PeftEngine",
    "scripted": "community_lms.engines.scripted:ScriptedEngine",
    "server": "community_lms.engines.server:ServerEngine",
    "vllm": "community_lms.engines.vllm:VLLMEngine",
}
"""Name -> ``module:class``; imported on first use, so that naming an engine loads no torch."""

SHARED: dict[str, Literal["weights", "nothing"]] = {"server": "nothing", "vllm": "weights"}
"""What the communities of one batch have in common, in engines that mix communities: the weights that generate, with or
without an adapter on them, or nothing. A batch of any other engine is of one community."""

DEFAULT_BATCH_SIZE = 16
BATCH_SIZES = {"openvino": 128, "server": 256, "vllm": 512}
"""Default number of messages that are generated together, for engines that differ from `DEFAULT_BATCH_SIZE`."""

AUTO = "auto"
ENGINE_HELP = f"Who speaks for communities: {AUTO}, {', '.join(ENGINES)}."


def engine_name(choice: str, community: Community) -> str:
    """Return the name of a community's engine: ``choice``, or by the community's kind when that is ``auto``.

    ``auto`` never takes ``vllm``: its messages are not those of ``peft`` and ``openvino`` and have other keys, so that
    messages made on a machine with a GPU would not be found on one without.

    Raises:
        ModPluralError: If ``choice`` is no engine.
    """
    if choice == AUTO:
        if community.endpoint is not None:
            return SERVER if community.endpoint.backend == SERVER else "backend"
        return SERVER if community.server is not None else local_engine()
    if choice not in ENGINES:
        raise unknown_name("message engine", choice, [*ENGINES, AUTO], where="message_engine")
    return choice


def batch_of(engine: str, community: Community) -> object:
    """Key of a community's batches: communities with equal keys may be asked together (`SHARED`)."""
    shared = SHARED.get(engine)
    if shared is None:
        return community.name
    return (community.checkpoint or community.backbone) if shared == "weights" else None


def local_engine() -> str:
    """The engine for local weights: ``openvino`` where it is installed (on GPUs it leaves the work to ``peft``)."""
    return "openvino" if find_spec("openvino") else "peft"


def make_engine(name: str, **options: Any) -> MessageEngine:
    """Build the engine of this name."""
    module, _, attribute = ENGINES[name].partition(":")
    engine: MessageEngine = getattr(import_module(module), attribute)(**options)
    return engine
