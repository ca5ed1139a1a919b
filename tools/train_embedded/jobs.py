"""Several trainings at once, each in a process of its own, as soon as what it goes on from is there.

On CPUs two processes of one thread each train more tokens a second than one of two threads.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from plural_tasks.utils.errors import ModPluralError

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 33),
    "MALLOC_TRIM_THRESHOLD_": str(1 << 33),
    "THP_MEM_ALLOC_ENABLE": "1",
}
"""Freed memory is kept, in huge pages: batches of ever new shapes ask for it again and again."""

Command = Callable[[str], Sequence[str]]
_Running = dict[int, tuple[str, "subprocess.Popen[bytes]"]]


def run_all(needs: Mapping[str, str | None], command: Command, jobs: int) -> None:
    """Run the command of every name, at most ``jobs`` at once.

    Args:
        needs: Name -> the name that must be finished before it, or None. The first that can start is started first.
        command: Name -> its command line.
        jobs: At least 1. Each process gets its share of the cores.

    Raises:
        ModPluralError: If a command fails, when those beside it are finished; nothing is started after it.
        KeyboardInterrupt: If interrupted; the processes are ended first.
    """
    waiting, running, ended = dict(needs), _Running(), dict[str, int]()
    try:
        while waiting or running:
            for slot in set(range(jobs)) - set(running) if not any(ended.values()) else ():
                name = _ready(waiting, ended)
                if name is not None:
                    del waiting[name]
                    running[slot] = (name, _start(command(name), slot, jobs))
            if not running:
                break
            time.sleep(0.2)
            ended |= _collect(running)
    finally:
        for _, process in running.values():
            process.terminate()
        for _, process in running.values():
            process.wait()
    failed = [name for name, status in ended.items() if status]
    if failed:
        done = len(ended) - len(failed)
        raise ModPluralError(f"{', '.join(failed)}: failed, see above; {done} of {len(needs)} are finished.")
    if waiting:
        raise ModPluralError(f"{', '.join(waiting)}: what they go on from is not among what is to be run.")


def _ready(waiting: Mapping[str, str | None], ended: Mapping[str, int]) -> str | None:
    """The first that waits for nothing more."""
    return next((name for name, need in waiting.items() if need is None or ended.get(need) == 0), None)


def _collect(running: _Running) -> dict[str, int]:
    """Take out what has ended: name -> exit status."""
    over = {slot: name for slot, (name, process) in running.items() if process.poll() is not None}
    return {name: running.pop(slot)[1].returncode for slot, name in over.items()}


def _start(command: Sequence[str], slot: int, jobs: int) -> subprocess.Popen[bytes]:
    threads = str(max(1, (os.cpu_count() or 1) // jobs))
    shares = {"OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "PASSIVE", "TQDM_POSITION": str(slot)}
    return subprocess.Popen([sys.executable, *command], env={**ALLOCATOR, **os.environ, **shares})
