"""How communities and a base LLM collaborate; the lm-eval model ``modplural``.

Importing this package loads neither torch nor transformers nor datasets; `ModPluralLM` is imported on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from model_wrappers.lm import ModPluralLM

__all__ = ["ModPluralLM"]


def __getattr__(name: str) -> Any:
    if name == "ModPluralLM":
        from model_wrappers.lm import ModPluralLM

        return ModPluralLM
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
