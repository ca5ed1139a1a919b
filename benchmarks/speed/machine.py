"""Facts of the machine, the versions and the code."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from community_lms.weights.precision import cores

PACKAGES = ("torch", "transformers", "peft", "openvino", "lm_eval", "ray", "numpy")
FAST = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "amx_int8")
"""Instructions that decide how fast matrices are multiplied."""


def machine() -> dict[str, Any]:
    """Processor, cores that may be used, threads, memory in GB, and instructions."""
    flags = _cpuinfo("flags").split()
    return {
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": cores(),
        "threads": os.environ.get("OMP_NUM_THREADS", "as torch has it"),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "instructions": [name for name in FAST if name in flags],
        "system": f"{platform.system()} {platform.release()}",
        "load": [round(load, 2) for load in os.getloadavg()] if hasattr(os, "getloadavg") else [],
    }


def _cpuinfo(name: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:  # not Linux
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def versions() -> dict[str, str]:
    """Python and the packages that compute, those that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str:
    """The commit of this checkout, with a mark where files differ from it; "" outside of one."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    done = subprocess.run(command, cwd=Path(__file__).parent, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def now() -> str:
    """Date and time, UTC."""
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
