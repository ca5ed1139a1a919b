"""Tiny checkpoints with random weights, saved as the real ones are."""

import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LABELS = ("CONTRADICTION", "NEUTRAL", "ENTAILMENT")
LENGTH = 64
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_SIZE: Mapping[str, int] = {
    **{"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32},
    "max_position_embeddings": LENGTH,
}


def classifier(folder: Path, *, kind: str = "bert", labels: tuple[str, ...] | None = LABELS, seed: int = 0) -> str:
    """Save a sequence classifier; ``labels`` by output, None for the LABEL_0 style."""
    import torch
    import transformers

    names = {} if labels is None else {"id2label": dict(enumerate(labels))}
    tokenizer, config = _bert(names) if kind == "bert" else _deberta(names)
    torch.manual_seed(seed)
    model = transformers.AutoModelForSequenceClassification.from_config(config)
    with torch.no_grad():  # wide enough that the scores of different pairs differ clearly
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.normal_(std=0.4)
    return _save(folder, model, tokenizer)


def encoder(folder: Path, *, seed: int = 0) -> str:
    """Save a BERT without a head."""
    import torch
    import transformers

    tokenizer, config = _bert({})
    torch.manual_seed(seed)
    return _save(folder, transformers.BertModel(config, add_pooling_layer=False), tokenizer)


def _save(folder: Path, model: Any, tokenizer: Any) -> str:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def _bert(names: dict[str, Any]) -> tuple[Any, Any]:
    from transformers import BertConfig, BertTokenizer

    pieces = [
        *_SPECIAL,
        *string.ascii_lowercase,
        *string.punctuation,
        *(f"##{char}" for char in string.ascii_lowercase),
    ]
    tokenizer = BertTokenizer(vocab={piece: place for place, piece in enumerate(pieces)}, model_max_length=LENGTH)
    return tokenizer, BertConfig(vocab_size=len(pieces), **_SIZE, **names)


def _deberta(names: dict[str, Any]) -> tuple[Any, Any]:
    from transformers import DebertaV2Config, DebertaV2Tokenizer

    pieces = [*_SPECIAL, "▁", *string.ascii_letters, *string.punctuation]
    tokenizer = DebertaV2Tokenizer(vocab=[(piece, 0.0) for piece in pieces], model_max_length=LENGTH)
    relative = {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8}
    shape = {"norm_rel_ebd": "layer_norm", "share_att_key": True, "position_biased_input": False, "type_vocab_size": 0}
    return tokenizer, DebertaV2Config(vocab_size=len(pieces), **_SIZE, **relative, **shape, **names)
