"""Cores of this machine, and the precision that its CPU multiplies natively."""

from __future__ import annotations

import os


def has_native_bfloat16() -> bool:
    """Whether this CPU multiplies bfloat16 matrices natively; where it does not, they are slower than float32.

    Read from ``torch.cpu.get_capabilities`` (torch 2.13; keys ``avx512_bf16``, ``amx_bf16``), or from the probe that
    older versions have. False where torch does not tell, and on ARM: float32 is right everywhere.
    """
    import torch

    try:
        if hasattr(torch.cpu, "get_capabilities"):
            found = torch.cpu.get_capabilities()
            return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
        probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
        return bool(probe is not None and probe())
    except Exception:  # a probe that fails has found nothing
        return False


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
