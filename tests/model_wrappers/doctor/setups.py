"""Arguments of setups, and what the doctor finds in them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_wrappers.doctor import Finding


def write_pool(folder: Path, backbone: str, **adapters: str) -> str:
    path = folder / "pool.yaml"
    lines = [f"  - {{name: {name}, description: they, adapter: {place}}}" for name, place in adapters.items()]
    path.write_text("\n".join([f"name: us\nbackbone: {backbone}\ncommunities:", *lines]))
    return str(path)


def arguments(folder: Path, *more: str, tasks: str = "plural_embedded_steerable", **settings: str) -> list[str]:
    given = {"base": "scripted", "pool": "personas", "message_engine": "scripted", "messages": folder / "m.sqlite"}
    joined = ",".join(f"{name}={value}" for name, value in (given | settings).items())
    return ["--model_args", joined, "--tasks", tasks, "--limit", "1", "--device", "cpu", *more]


def look(area: str, given: list[str], **options: bool) -> dict[str, Finding]:
    """What the checks of an area find, by name."""
    from model_wrappers.doctor import CHECKS, Visit

    visit = Visit(given, **options)
    return {found.name: found for check in CHECKS if check.area == area for found in check.findings(visit)}


def faults(area: str, given: list[str], **options: bool) -> list[Finding]:
    return [found for found in look(area, given, **options).values() if found.level == "fault"]
