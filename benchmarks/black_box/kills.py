"""Kill a command again and again at random moments, and let it end the last time.

For example: ``python -m benchmarks.black_box.kills --kills 5 --between 2:20 -- modplural eval --model_args …``
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from plural_tasks.utils.errors import ModPluralError

_POLL = 0.02
"""Seconds between two looks at what is waited for."""


@dataclass(frozen=True)
class Life:
    """One start of the command.

    Attributes:
        began: In seconds since the epoch.
        ended: When its end was seen.
        killed: Was it killed? Not, where it had ended before its moment came.
        code: Exit status, or the negative number of the signal that ended it.
    """

    began: float
    ended: float
    killed: bool
    code: int


@dataclass(frozen=True)
class Survival:
    """All starts of a command, in order.

    Attributes:
        lives: The last one ended by itself.
        output: What all of them wrote, stdout and stderr.
    """

    lives: tuple[Life, ...]
    output: str

    @property
    def code(self) -> int:
        """Exit status of the last life."""
        return self.lives[-1].code

    @property
    def kills(self) -> int:
        """Lives that were killed."""
        return sum(life.killed for life in self.lives)

    def lost_at(self, when: float, margin: float = 1.0) -> bool:
        """Did a kill come within ``margin`` seconds after ``when``, so that what came then may not have been kept?"""
        return any(life.killed and when <= life.ended <= when + margin for life in self.lives)


def run_with_kills(
    command: Sequence[str],
    *,
    kills: int,
    between: tuple[float, float],
    seed: int,
    output: Path,
    began: Callable[[], bool] | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    patience: float = 600.0,
) -> Survival:
    """Start a command, kill it with all its children, and so on; then let it end.

    A life that ends by itself is the last one, be it before all kills were made.

    Args:
        command: Program and arguments.
        kills: How many lives are killed.
        between: Least and most seconds that such a life has, equally likely between.
        seed: Of those seconds.
        output: File to which the lives write, one after the other.
        began: From when on the seconds of a life count, asked again and again; without it from its start.
        environment: Variables beyond this process's own.
        folder: Where the command runs.
        patience: Seconds that a life may last in all.

    Raises:
        ModPluralError: If the command cannot be started, or lasts longer than ``patience``.
    """
    draw = random.Random(seed)
    lives: list[Life] = []
    with output.open("ab") as written:
        while not lives or lives[-1].killed:
            seconds = draw.uniform(*between) if len(lives) < kills else None
            process = _started(command, written.fileno(), environment, folder)
            lives.append(_lived(process, seconds, began, patience))
    return Survival(tuple(lives), output.read_text(encoding="utf-8", errors="replace"))


def _started(
    command: Sequence[str], output: int, environment: Mapping[str, str] | None, folder: Path | None
) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            cwd=folder,
            start_new_session=True,  # a group of its own, so that children are killed with it
        )
    except OSError as error:
        raise ModPluralError(f"{command[0]} cannot be started ({error.strerror}).") from error


def _lived(
    process: subprocess.Popen[bytes], seconds: float | None, began: Callable[[], bool] | None, patience: float
) -> Life:
    """Wait for the end of a process; with ``seconds`` kill it so long after it ``began``."""
    start, since = time.time(), time.monotonic()
    end = since + patience
    moment = None if seconds is None or began is not None else since + seconds
    try:
        while process.poll() is None:
            now = time.monotonic()
            if moment is not None and now >= moment:
                return Life(start, time.time(), *_killed(process))
            if now >= end:
                raise ModPluralError(f"the command did not end within {patience:g} s; patience gives it longer.")
            if moment is None and seconds is not None and began is not None and began():
                moment = now + seconds
            time.sleep(max(0.0, min(_POLL, (moment or end) - now)))
    finally:
        kill_group(process)
    return Life(start, time.time(), False, process.returncode)


def _killed(process: subprocess.Popen[bytes]) -> tuple[bool, int]:
    """Kill; the process may have ended in this very moment, then it was not killed."""
    kill_group(process)
    code = process.wait()
    return code == -signal.SIGKILL, code


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """End a process that leads a group, and whatever is left of the group."""
    with suppress(ProcessLookupError, PermissionError):  # the latter on macOS, where only zombies are left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command with kills, and say what became of each life."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.black_box.kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--between", type=_range, default=(1.0, 10.0), metavar="LEAST:MOST", help="seconds of a life")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("lives.log"), help="default: %(default)s")
    parser.add_argument("command", nargs="+", help="after --")
    told = parser.parse_args(arguments)
    found = run_with_kills(
        told.command, kills=told.kills, between=told.between, seed=told.seed, output=told.output, patience=24 * 3600.0
    )
    for number, life in enumerate(found.lives, start=1):
        end = "killed" if life.killed else f"ended with {life.code}"
        print(f"life {number}: {life.ended - life.began:.1f} s, {end}")
    sys.exit(found.code if found.code >= 0 else 1)


def _range(text: str) -> tuple[float, float]:
    least, _, most = text.partition(":")
    return float(least), float(most)


if __name__ == "__main__":
    main()
