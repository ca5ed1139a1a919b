"""Checks of Python, its packages, the start-up hook and the machine."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from model_wrappers.doctor.base import Check, Finding, fault, note, ok, warning
from model_wrappers.doctor.visit import Visit

AREA = "environment"
OPTIONAL = {
    "api": "base LLMs behind an API (local-completions, openai-chat-completions, …)",
    "embedded": "the embedded models without the Hub",
    "openvino": "communities that speak several times as fast on CPUs",
    "paper": "the published figure paper_coverage",
    "ray": "messages asked by the workers of a cluster",
    "server": "a server of the OpenAI protocol that speaks for communities",
    "study": "agreement of raters",
    "vllm": "all communities at once on a GPU",
}
"""Extra -> purpose."""

SPARE = 1_000_000_000
"""Bytes that a disk should have left for stores and caches."""


def python(visit: Visit) -> Iterator[Finding]:
    """Report whether this Python is new enough."""
    wanted = str(_distribution().metadata["Requires-Python"] or "")
    found = f"Python {platform.python_version()}, wanted {wanted or 'any'}"
    if _allows(wanted, platform.python_version()):
        yield ok("Python", found)
    else:
        yield fault("Python", found, "Install modplural with a Python of that version.")


def packages(visit: Visit) -> Iterator[Finding]:
    """Report whether the needed packages are installed, in versions that the project works with."""
    needed = _requirements("")
    wrong = [(name, wanted, have) for name, wanted in needed if not _allows(wanted, have := _version(name))]
    for name, wanted, have in wrong:
        yield fault(
            name, f"{have or 'not installed'}, wanted {wanted or 'any version'}", f"pip install '{name}{wanted}'"
        )
    if not wrong:
        known = ", ".join(f"{name} {_version(name)}" for name in ("lm_eval", "transformers", "peft"))
        yield ok("packages", f"all {len(needed)} needed packages are there ({known})")


def extras(visit: Visit) -> Iterator[Finding]:
    """Report the optional packages that are not installed."""
    for extra, purpose in OPTIONAL.items():
        missing = [name for name, wanted in _requirements(extra) if not _allows(wanted, _version(name))]
        if missing:
            yield note(
                extra,
                f"not installed ({', '.join(missing)}), needed only for {purpose}",
                f"pip install 'modplural[{extra}]', if you want that.",
            )


def plugin(visit: Visit) -> Iterator[Finding]:
    """Report whether ``lm_eval --model modplural`` will find the model and the tasks."""
    from lm_eval.tasks import TaskManager

    from model_wrappers.runs.tasks import TASK_FOLDER

    known = TaskManager(include_path=str(TASK_FOLDER), include_defaults=False).all_tasks
    if not known:
        yield fault("tasks", f"{TASK_FOLDER} holds no tasks", "This installation is not whole; install it again.")
    if os.environ.get("MODPLURAL_NO_HOOK", "0") not in ("", "0"):
        yield note("start-up hook", "switched off by MODPLURAL_NO_HOOK", "Run modplural eval in place of lm_eval.")
    elif not any(type(finder).__module__ == "_modplural_autoload" for finder in sys.meta_path):
        yield warning(
            "start-up hook",
            "not active: lm_eval knows neither the model nor the tasks",
            "Install modplural with pip, or run modplural eval in place of lm_eval.",
        )
    else:
        yield ok("start-up hook", f"active; lm_eval knows the model modplural and {len(known)} tasks and groups")


def torch_and_gpu(visit: Visit) -> Iterator[Finding]:
    """Report what there is to compute with."""
    import torch

    from community_lms.weights.precision import cores, has_native_bfloat16

    low = "multiplies bfloat16 by itself" if has_native_bfloat16() else "has no bfloat16 of its own (float32 is used)"
    yield ok("torch", f"{torch.__version__}; the CPU has {cores()} cores for this process and {low}")
    if torch.cuda.is_available():
        free, whole = torch.cuda.mem_get_info()
        name = torch.cuda.get_device_name()
        yield ok("GPU", f"{name}, {in_gigabytes(free)} of {in_gigabytes(whole)} free")
        return
    asked = str(_device(visit) or "")
    if "--device" in " ".join(visit.arguments) and asked.startswith("cuda"):
        yield warning("GPU", f"none, and --device {asked} asks for one", "The CPU is used; say --device cpu.")
    else:
        yield note("GPU", "none; everything runs on the CPU")


def disk(visit: Visit) -> Iterator[Finding]:
    """Report whether there is room for the store and the caches."""
    from huggingface_hub.constants import HF_HUB_CACHE
    from platformdirs import user_cache_path

    for name, place in (("cache", user_cache_path("modplural")), ("Hub's cache", Path(HF_HUB_CACHE))):
        folder = next(parent for parent in (place, *place.absolute().parents) if parent.exists())
        free = shutil.disk_usage(folder).free
        found = f"{in_gigabytes(free)} free at {place}"
        if not os.access(folder, os.W_OK):
            yield fault(name, f"{folder} cannot be written", "Set XDG_CACHE_HOME or HF_HOME to a folder that can.")
        elif free < SPARE:
            yield warning(name, found, "Make room, or set XDG_CACHE_HOME or HF_HOME to another disk.")
        else:
            yield ok(name, found)


def _device(visit: Visit) -> Any:
    try:
        return visit.config.device
    except Exception:  # reported by the check of the arguments
        return None


def _distribution() -> metadata.Distribution:
    return metadata.distribution("modplural")


def _requirements(extra: str) -> list[tuple[str, str]]:
    """Names and wanted versions of the packages of an extra; with "" of those that are always needed."""
    from packaging.requirements import Requirement

    needed = map(Requirement, _distribution().requires or [])
    chosen = [
        one
        for one in needed
        if (one.marker is None and not extra)
        or (one.marker is not None and one.marker.evaluate({"extra": extra}) and not one.marker.evaluate({"extra": ""}))
    ]
    named = [(one.name, str(one.specifier)) for one in chosen]
    # lm_eval[api] is of lm_eval itself; what it adds is seen by a package of it.
    return [("tenacity", "") if extra and name == "lm_eval" else (name, wanted) for name, wanted in named]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _allows(wanted: str, version: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return bool(version) and SpecifierSet(wanted).contains(version, prereleases=True)


def in_gigabytes(size: int) -> str:
    """A number of bytes, readable."""
    return f"{size / 1e9:.1f} GB"


_REINSTALL = "Install modplural again: pip install ."
CHECKS = (
    Check(AREA, "Python", _REINSTALL, python),
    Check(AREA, "packages", _REINSTALL, packages),
    Check(AREA, "optional packages", _REINSTALL, extras),
    Check(AREA, "plugin", _REINSTALL, plugin),
    Check(AREA, "torch", "Install torch again: pip install 'torch>=2.13'", torch_and_gpu),
    Check(AREA, "disk", "Set XDG_CACHE_HOME and HF_HOME to folders that can be written.", disk),
)
