"""A run through faults, one that is killed, one that is stopped: is all as if nothing had been, and paid for once?"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.black_box import command
from benchmarks.black_box.fault_log import FaultLog, Record
from benchmarks.black_box.fault_settings import Settings
from benchmarks.black_box.faults import FaultProxy, proxied
from benchmarks.black_box.kills import Life, run_with_kills
from benchmarks.black_box.setting import Setting

TASKS = "plural_embedded"
RATE = 0.3
TIMEOUT = 15
"""Seconds that the client waits; slow answers take `SLOW`."""
SLOW = 20.0
MORE = ("--metadata", '{"plural_judge": "lexical"}', "--gen_kwargs", "max_gen_toks=60")


def show(setting: Setting) -> dict[str, Any]:
    """One run in peace, one through faults, one that is killed, one within a budget: all through the same proxy."""
    folder = setting.folder / "storm"
    folder.mkdir(parents=True, exist_ok=True)
    with proxied(setting.address, log=folder / "proxy.jsonl") as proxy:
        plain = _run(setting, folder / "calm", proxy.address)
        wanted = len(proxy.log.records)
        found = {"faults": _faults(setting, folder, proxy, plain)}
        proxy.settings = Settings()
        found["kills"] = _kills(setting, folder, proxy, plain)
        found["budget"] = _budget(setting, folder, proxy, plain)
        return {"calm": {"code": plain.code, "seconds": plain.seconds, "requests": wanted}, **found}


def _faults(setting: Setting, folder: Path, proxy: FaultProxy, plain: command.Ran) -> dict[str, Any]:
    """Through faults, and a time in which everything fails."""
    wanted = len(proxy.log.records)
    proxy.settings = Settings(rate=RATE, seed=setting.seed, slow_seconds=SLOW)
    _when(lambda: proxy.log.arrived >= wanted + wanted // 2, lambda: proxy.fail_for(setting.down))
    ran = _run(setting, folder / "faults", proxy.address, timeout=TIMEOUT)
    log = _since(proxy.log, wanted)
    return {
        "code": ran.code,
        "said": ran.last_line if ran.code else "",
        "seconds": ran.seconds,
        "requests": len(log.records),
        "faults": dict(log.faults()),
        "delivered": len(log.delivered()),
        "again_after_delivery": len(log.asked_again()),
        "same_results": _same(plain, ran),
        "api": command.api(ran.results) if ran.code == 0 else {},
    }


def _kills(setting: Setting, folder: Path, proxy: FaultProxy, plain: command.Ran) -> dict[str, Any]:
    """Killed at random moments."""
    before, own = len(proxy.log.records), folder / "killed"
    survival = run_with_kills(
        command.command(own, _args(setting, own, proxy.address), TASKS, 3 * setting.limit, *MORE),
        kills=setting.kills,
        between=(0.1, 6.0),
        seed=setting.seed,
        output=folder / "lives.log",
        began=_asked_again(proxy),
        environment=command.environment(),
        folder=command.ROOT,
    )
    log = _since(proxy.log, before)
    again = log.asked_again()
    ran = command.Ran(survival.code, sum(life.ended - life.began for life in survival.lives), "", own / "out")
    delivered: dict[str, Record] = {}
    for one in log.records:
        if one.delivered:
            delivered.setdefault(one.digest, one)  # the first time
    return {
        "code": survival.code,
        "kills": survival.kills,
        "lives": [life.ended - life.began for life in survival.lives],
        "began": [life.began for life in survival.lives],
        "requests": len(log.records),
        "delivered": len(delivered),
        "again_after_delivery": len(again),
        "of_them_when_killed": sum(_at_a_kill(delivered[digest], survival.lives) for digest in again),
        "same_results": _same(plain, ran),
        "api": command.api(ran.results) if ran.code == 0 else {},
    }


def _budget(setting: Setting, folder: Path, proxy: FaultProxy, plain: command.Ran) -> dict[str, Any]:
    """Stopped by its budget, and gone on with."""
    before = len(proxy.log.records)
    spent = command.api(plain.results)["spent"]["now"]
    limit = (spent["read"] + spent["written"]) * 2 // 5
    parts: list[command.Ran] = []
    while not parts or (parts[-1].code == 3 and len(parts) < 9):
        parts.append(_run(setting, folder / "parts", proxy.address, "--max-tokens", str(limit)))
    log = _since(proxy.log, before)
    return {
        "limit": limit,
        "spent_without_limit": spent["read"] + spent["written"],
        "codes": [one.code for one in parts],
        "said": [one.last_line for one in parts if one.code],
        "requests": len(log.records),
        "again_after_delivery": len(log.asked_again()),
        "same_results": _same(plain, parts[-1]),
        "api": command.api(parts[-1].results) if parts[-1].code == 0 else {},
    }


def _at_a_kill(record: Record, lives: Sequence[Life]) -> bool:
    """Was a request in flight at a kill, or its answer delivered in the quarter of a second before?

    What the kernel takes for a client that is dead by then counts as delivered.
    """
    return any(life.killed and record.began <= life.ended <= record.ended + 0.25 for life in lives)


def _args(setting: Setting, folder: Path, address: str, timeout: int = 120, message_timeout: int = 120) -> str:
    # An endpoint's address decides the seeds of its messages: runs that are compared share one proxy.
    pool = command.write_pool(folder, address, setting.model)
    served = f"model:{setting.model}+timeout:{message_timeout}+concurrency:4"
    return command.model_args(
        folder,
        address,
        setting.model,
        pool=pool,
        message_server=f"{address}/v1",
        message_server_args=served,
        elicitation="sample",
        elicitation_samples=4,
        timeout=timeout,
    )


def _run(setting: Setting, folder: Path, address: str, *more: str, timeout: int = 120) -> command.Ran:
    args = _args(setting, folder, address, timeout, timeout)
    return command.run(folder, args, TASKS, 3 * setting.limit, *MORE, *more)


def _same(plain: command.Ran, ran: command.Ran) -> bool:
    """Equal figures, and equal answers to every document?"""
    if ran.code or plain.code:
        return False
    figures = command.figures(plain.results) == command.figures(ran.results)
    return figures and command.samples(plain.folder) == command.samples(ran.folder)


def _since(log: FaultLog, first: int) -> FaultLog:
    """The records from one on."""
    later = FaultLog()
    later.records = log.records[first:]
    return later


def _when(true: Callable[[], bool], act: Callable[[], None]) -> None:
    """Wait in a thread, and act once."""

    def wait() -> None:
        end = time.monotonic() + 600
        while not true() and time.monotonic() < end:
            time.sleep(0.05)
        act()

    threading.Thread(target=wait, daemon=True).start()


def _asked_again(proxy: FaultProxy) -> Callable[[], bool]:
    """Has this life asked for anything yet? A life begins with the first question after an answer was yes."""
    mark = -1

    def began() -> bool:
        nonlocal mark
        if mark < 0:
            mark = proxy.log.arrived
        if proxy.log.arrived > mark:
            mark = -1
            return True
        return False

    return began
