"""Functions that run in a process of their own: plain JSON in, plain JSON out.

python -m benchmarks.speed.child MODULE:FUNCTION OUT < ARGUMENTS.json
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
QUIET = {"TQDM_DISABLE": "1", "LMEVAL_LOG_LEVEL": "ERROR", "HF_HUB_OFFLINE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""For a child, unless the user's environment says otherwise."""


class ChildError(RuntimeError):
    """A child ended without a result; the message has the end of what it wrote."""


def run_child(function: str, **arguments: Any) -> Any:
    """Call ``MODULE:FUNCTION`` with keyword arguments in a new process and return what it returns.

    Raises:
        ChildError: If it fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.speed.child", function, str(out)],
            input=json.dumps(arguments),
            env={**QUIET, **os.environ},
            cwd=ROOT,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        if done.returncode or not out.is_file():
            raise ChildError(f"{function} ended with {done.returncode}:\n{done.stdout[-4000:]}")
        return json.loads(out.read_text(encoding="utf-8"))


def main() -> None:
    """Run the function that the command line names."""
    function, out = sys.argv[1:]
    module, _, name = function.partition(":")
    result = getattr(import_module(module), name)(**json.load(sys.stdin))
    Path(out).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main()
