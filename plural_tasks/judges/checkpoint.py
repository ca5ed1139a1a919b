"""A checkpoint in a folder or on the Hub: where it is, which revision it has, and how it is loaded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

SHORTEST_LIMIT = 8
"""The least ``max_length``: below the number of special tokens nothing would be cut at all."""

DTYPES = ("float32", "bfloat16", "float16")
_WEIGHTS = ("*.safetensors", "*.bin")
_DECIDING = (*_WEIGHTS, "*.json", "*.model", "*.txt")
_SENTENCEPIECE = {"sentencepiece": "sentencepiece", "protobuf": "google"}
_COMMIT = re.compile(r"[/\\]snapshots[/\\]([0-9a-f]{40})[/\\]")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose revision is known.

    Attributes:
        name: ``owner/name`` on the Hub, or the folder's own name.
        path: What ``from_pretrained`` reads.
        revision: Commit on the Hub; ``sha256:`` and a digest for a folder that states none.
        commit: The commit to read from the Hub; None for a folder.
    """

    name: str
    path: str
    revision: str
    commit: str | None = None

    def load(self, auto: Any, **options: Any) -> Any:
        """Call ``from_pretrained`` of one of the Auto classes of transformers.

        Raises:
            ModPluralError: Naming the checkpoint and what was wrong with it.
        """
        try:
            return auto.from_pretrained(self.path, revision=self.commit, **options)
        except Exception as error:  # transformers, safetensors, tokenizers and torch each raise their own
            raise ModPluralError(f"judge {self.name}: cannot be loaded ({_reason(error)}).") from error

    def config_and_tokenizer(self) -> tuple[Any, Any]:
        """Load what stands beside the weights.

        Raises:
            ModPluralError: If they cannot be loaded, or the tokenizer knows no words.
        """
        from transformers import AutoConfig, AutoTokenizer

        config = self.load(AutoConfig)
        try:
            tokenizer = self.load(AutoTokenizer)
        except ModPluralError as error:
            needed = [name for name, module in _SENTENCEPIECE.items() if find_spec(module) is None]
            # Without them transformers takes a SentencePiece model for a file of another kind.
            hint = f" Its tokenizer may need packages: pip install {' '.join(needed)}." if needed else ""
            raise ModPluralError(f"{error}{hint}") from error
        # Where the files are missing, transformers makes a tokenizer that reads every word as unknown.
        if 2 * len(tokenizer) < getattr(config, "vocab_size", 0):
            raise ModPluralError(
                f"judge {self.name}: its tokenizer has {len(tokenizer)} entries and its model {config.vocab_size}; "
                "expected the tokenizer's files beside the weights."
            )
        return config, tokenizer


def resolve(spec: str) -> Checkpoint:
    """Find the checkpoint that ``spec`` names: a folder, ``OWNER/NAME`` or ``OWNER/NAME@REVISION``.

    Of a checkpoint on the Hub only the configuration is fetched; all that is read later is of the same commit.

    Raises:
        ModPluralError: If it is no folder of a checkpoint and the Hub does not have it.
    """
    folder = Path(spec).expanduser()
    if folder.is_dir():
        return _local(folder)
    if folder.exists():
        raise ModPluralError(f"judge {spec}: is a file, expected the folder of a checkpoint.")
    if spec.startswith((".", "~", "/")) or spec.count("/") > 1:
        raise ModPluralError(f"judge {spec}: no such folder.")
    repository, _, revision = spec.partition("@")
    return _on_hub(repository, revision or None)


def _local(folder: Path) -> Checkpoint:
    if not (folder / "config.json").is_file():
        raise ModPluralError(f"judge {folder}: holds no config.json, expected the folder of a checkpoint.")
    if not any(next(folder.glob(pattern), None) for pattern in _WEIGHTS):
        raise ModPluralError(f"judge {folder}: holds no weights, expected model.safetensors or pytorch_model.bin.")
    commit = _COMMIT.search(f"{folder.absolute()}/")
    revision = commit[1] if commit else f"sha256:{folder_digest(folder)}"
    return Checkpoint(folder.resolve().name, str(folder), revision)


def _on_hub(repository: str, revision: str | None) -> Checkpoint:
    from huggingface_hub import hf_hub_download

    try:
        config = hf_hub_download(repository, "config.json", revision=revision)
    except Exception as error:  # a broken connection raises the HTTP library's own errors
        at = f" at {revision}" if revision else ""
        raise ModPluralError(
            f"judge {repository}{at}: is no folder here and cannot be fetched from the Hub ({_reason(error)}). Fetch "
            "it by other means and give the folder, or take the judge 'embedding' or 'lexical'."
        ) from error
    commit = _COMMIT.search(config)
    if commit is None:
        raise ModPluralError(f"judge {repository}: the Hub states no commit for it; give the revision as NAME@COMMIT.")
    return Checkpoint(repository, repository, commit[1], commit[1])


def folder_digest(folder: Path) -> str:
    """SHA-256 over names and contents of the files that decide a model's output."""
    state = hashlib.sha256()
    for path in sorted({path for pattern in _DECIDING for path in folder.glob(pattern) if path.is_file()}):
        state.update(f"{path.name}\0{_file_digest(path)}\0".encode())
    return state.hexdigest()


def _file_digest(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def pick_device(device: str | None) -> str:
    """Return ``device`` if torch has it, by default the accelerator if there is one.

    Raises:
        ModPluralError: If torch does not know or not have the device.
    """
    import torch

    if device is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModPluralError(f"judge: device {device!r} cannot be used ({_reason(error)}).") from error
    return device


def pick_batch_size(given: int | None, device: str, *, on_cpu: int, elsewhere: int) -> int:
    """Return ``given``, or by default what suits the device: a CPU's caches hold small batches only.

    Raises:
        ModPluralError: If it is no whole number above 0.
    """
    if given is None:
        return on_cpu if device.startswith("cpu") else elsewhere
    check_whole(1, batch_size=given)
    return given


def pick_dtype(name: str) -> Any:
    """Return the torch dtype called ``name``, one of `DTYPES`."""
    import torch

    if name not in DTYPES:
        raise unknown_name("dtype", name, DTYPES, where="judge")
    return getattr(torch, name)


def check_whole(least: int, **numbers: object) -> None:
    """Raise a `ModPluralError` that names the first argument which is no whole number of at least ``least``."""
    for name, number in numbers.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ModPluralError(f"judge: {name} is {number!r}, expected a whole number of at least {least}.")


def longest_input(config: Any, tokenizer: Any, default: int = 512) -> int:
    """Number of tokens that a model reads at most, special tokens included."""
    positions = getattr(config, "max_position_embeddings", None) or default
    # RoBERTa and its kin number positions from the padding index on.
    if "roberta" in config.model_type or config.model_type == "camembert":
        positions -= config.pad_token_id + 1
    return int(min(positions, tokenizer.model_max_length))


def lengths_once(tokenizer: Any, texts: list[str]) -> dict[str, int]:
    """Number of tokens of each text, special tokens left out; every text is read once."""
    unique = list(dict.fromkeys(texts))
    if not unique:
        return {}
    # verbose: the tokenizer would warn of long texts, which are cut and counted later.
    encoded = tokenizer(unique, add_special_tokens=False, verbose=False)["input_ids"]
    return dict(zip(unique, map(len, encoded), strict=True))


def run_batches(
    lengths: list[int], batch_size: int, run: Callable[[list[int]], None], *, name: str, unit: str, progress: bool
) -> None:
    """Call ``run`` with the places of every batch, longest inputs first, and show how far it is.

    Sorting puts inputs of like length together, so that little is padded; with the longest first, memory that does
    not suffice shows at once, and the estimate of the time left errs on the long side.

    Raises:
        ModPluralError: If the accelerator's memory does not suffice.
    """
    import torch
    from tqdm import tqdm

    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    with tqdm(total=len(order), desc=f"judge {name}", unit=unit, disable=not progress) as bar, torch.inference_mode():
        for start in range(0, len(order), batch_size):
            places = order[start : start + batch_size]
            try:
                run(places)
            except torch.OutOfMemoryError as error:
                raise ModPluralError(
                    f"judge {name}: {len(places)} inputs of up to {lengths[places[0]]} tokens do not fit into memory; "
                    f"give a batch_size below {batch_size}."
                ) from error
            bar.update(len(places))


def _reason(error: Exception) -> str:
    return one_line(error)[:300] or type(error).__name__
