"""A GGUF file of an embedded model, which llama.cpp reads."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from community_lms.weights.embedded import EMBEDDED, EMBEDDED_MODELS, HINT, file_digest, packaged_gguf, resolve_weights
from plural_tasks.utils.errors import ModPluralError, unknown_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

_OUTSIDE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight"}
_INSIDE = {
    "input_layernorm": "attn_norm",
    "mlp.down_proj": "ffn_down",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.k_proj": "attn_k",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_proj": "attn_q",
    "self_attn.v_proj": "attn_v",
}


def gguf_file(model: str) -> Path:
    """Write the weights of an embedded model in llama.cpp's format, once, into the user's cache.

    Vocabulary, settings and chat template are those of the package's own GGUF file; the numbers are those that the
    harness's backend ``hf`` reads, in float32, so that both compute with the same weights.

    Args:
        model: ``embedded`` or ``embedded_reader``.

    Raises:
        ModPluralError: If the model is another, its package is missing or the file cannot be written.
    """
    from platformdirs import user_cache_path

    if model not in EMBEDDED_MODELS:
        raise unknown_name("embedded model", model, EMBEDDED_MODELS)
    packaged = packaged_gguf()
    if packaged is None or find_spec("gguf") is None:
        raise ModPluralError(f"{model} cannot be written for llama.cpp without its package. {HINT}")
    folder = Path(resolve_weights(model))
    name = f"{'instruct' if model == EMBEDDED else 'reader'}-{file_digest(folder / 'model.safetensors')[:12]}"
    target = user_cache_path("modplural") / "gguf" / f"{name}.gguf"
    if not target.is_file():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            scratch = target.with_suffix(f".{os.getpid()}")
            _write(packaged, folder, scratch)
            os.replace(scratch, target)
        except OSError as error:
            raise ModPluralError(f"{target} cannot be written ({error.strerror}).") from error
    return target


def _write(packaged: Path, folder: Path, target: Path) -> None:
    from gguf import GGUFReader, GGUFWriter, LlamaFileType
    from safetensors.numpy import load_file

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    writer = GGUFWriter(target, config["model_type"])
    _copy_settings(GGUFReader(packaged), writer)
    writer.add_file_type(LlamaFileType.ALL_F32)
    for name, values in load_file(folder / "model.safetensors").items():
        writer.add_tensor(gguf_name(name), _turned(name, values.astype("float32"), config))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy_settings(reader: Any, writer: Any) -> None:
    """Hand over all that the packaged file says but for what the writer says itself."""
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name in ("general.architecture", "general.file_type"):
            continue
        inner = field.types[-1] if len(field.types) > 1 else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=inner)


def gguf_name(name: str) -> str:
    """Name of a tensor in GGUF files: ``model.layers.3.mlp.up_proj.weight`` is ``blk.3.ffn_up.weight``."""
    if name in _OUTSIDE:
        return _OUTSIDE[name]
    _, _, layer, inside = name.removesuffix(".weight").split(".", 3)
    return f"blk.{layer}.{_INSIDE[inside]}.weight"


def _turned(name: str, values: NDArray[Any], config: dict[str, Any]) -> NDArray[Any]:
    """Queries and keys in llama.cpp's order: rotary pairs are neighbours there, half a head apart in transformers."""
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}.get(name.split(".")[-2])
    if heads is None:
        return values
    size = values.shape[0] // config[heads]
    turned: NDArray[Any] = values.reshape(config[heads], 2, size // 2, -1).swapaxes(1, 2).reshape(values.shape)
    return turned
