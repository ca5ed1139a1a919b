"""The pool: can it be read, are engines and weights there, do they fit into memory, are servers reached?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from community_lms.engines import engine_name
from community_lms.pools.pool import weigh
from community_lms.pools.spec import Community, Weights
from community_lms.weights.embedded import EMBEDDED_MODELS, resolve_weights
from model_wrappers.doctor.base import Check, Finding, fault, ok, warning
from model_wrappers.doctor.environment import in_gigabytes
from model_wrappers.doctor.servers import CHECK as SERVERS
from model_wrappers.doctor.visit import Visit
from plural_tasks.utils.errors import one_line

AREA = "pool"

PACKAGES = {"openvino": "openvino", "server": "openai", "vllm": "vllm"}
"""Engine -> what it needs beside the project's own packages; the extra is called like the engine."""

POOL = "See modplural pool list and modplural pool show; the README shows a pool file."
WEIGHTS = "Correct the path in the pool file, or log in to the Hub (hf auth login) and look at the connection."
MEMORY = "Take smaller models, a message_server or an endpoint, or make messages first (modplural messages generate)."


def pool(visit: Visit) -> Iterator[Finding]:
    """Report whether the pool is whole and its engines are installed."""
    found = visit.pool
    weigh(found, visit.settings.weights)
    engines = sorted({_engine(visit, member) for member in found.communities})
    yield ok("pool", f"{found.name}: {', '.join(found.names)} (through {', '.join(engines)})")
    for engine in engines:
        yield from _installed(engine)


def _installed(engine: str) -> Iterator[Finding]:
    from importlib.util import find_spec

    package = PACKAGES.get(engine)
    if package is not None and find_spec(package) is None:
        yield fault("engine", f"{engine} needs {package}, which is not installed", f"pip install 'modplural[{engine}]'")


def _engine(visit: Visit, member: Community) -> str:
    return engine_name(visit.settings.message_engine, member)


def weights(visit: Visit) -> Iterator[Finding]:
    """Report whether weights are on this machine, or on the Hub."""
    places: dict[Weights, str] = {}
    for member in visit.pool.communities:
        if member.server is None and _engine(visit, member) != "scripted":
            named = (member.checkpoint, member.backbone, member.adapter)
            places.update({one: member.name for one in named if one is not None and one not in places})
    adapters = {member.adapter for member in visit.pool.communities}
    missing = [_missing(place, name, place in adapters) for place, name in places.items()]
    yield from filter(None, missing)
    if places and not any(missing):
        yield ok("weights", f"{len(places)} backbones, adapters and checkpoints are found")


def _missing(place: Weights, community: str, adapter: bool) -> Finding | None:
    """A fault of the place of some weights, found by their configuration alone; None where there is none."""
    wanted = "adapter_config.json" if adapter else "config.json"
    path = resolve_weights(place.path) if place.path in EMBEDDED_MODELS else place.path
    if Path(path).is_dir():
        lacks = [wanted] if not (Path(path) / wanted).is_file() else []
        if not any(Path(path).glob("*.safetensors")) and not any(Path(path).glob("*.bin")):
            lacks.append("weights (*.safetensors)")
        if not lacks:
            return None
        return fault("weights", f"community {community!r}: {path} lacks {' and '.join(lacks)}", WEIGHTS)
    try:
        from huggingface_hub import hf_hub_download

        hf_hub_download(path, wanted, revision=place.revision)
    except Exception as error:  # of the client or of the HTTP library under it
        reason = one_line(error)[:200]
        found = f"community {community!r}: {path} is no folder here and cannot be had from the Hub ({reason})"
        return fault("weights", found, WEIGHTS)
    return None


def memory(visit: Visit) -> Iterator[Finding]:
    """Report whether the weights of base LLM, backbones and adapters fit into memory."""
    import psutil

    from model_wrappers.runs.weights import base_weights, sizes_of_weights

    free = int(psutil.virtual_memory().available)
    given = {**visit.given, **({"pretrained": visit.bases[0]} if visit.bases else {})}
    sizes = sizes_of_weights(visit.pool, base_weights(given))
    unknown = [what for what, size in sizes.items() if size is None]
    total = sum(size or 0 for size in sizes.values())
    found = f"{in_gigabytes(free)} free, weights of this run {in_gigabytes(total)}" + (
        f" without {', '.join(unknown)}, not on this machine" if unknown else ""
    )
    if total > free:
        yield warning("memory", found, MEMORY)
    else:
        yield ok("memory", found)


CHECKS = (
    Check(AREA, "pool", POOL, pool),
    Check(AREA, "weights", WEIGHTS, weights),
    Check(AREA, "memory", MEMORY, memory),
    SERVERS,
)
