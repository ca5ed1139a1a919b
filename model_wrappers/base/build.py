"""Build a base LLM: any backend of the harness, untouched, with arguments that were checked first."""

from __future__ import annotations

import gc
import inspect
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from community_lms.pools.spec import canonical
from community_lms.remote.abilities import FROM_PRETRAINED_ARGUMENTS, abilities_of
from community_lms.weights.embedded import EMBEDDED_MODELS, EMBEDDED_READER, install_hint, resolve_weights
from community_lms.weights.precision import has_native_bfloat16
from model_wrappers.arguments import OWN
from model_wrappers.base.llm import BaseLLM
from plural_tasks.utils.credentials import from_environment, quieten_logs, refuse_keys
from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

SCRIPTED = "scripted"
LOCAL = ("hf", "hf-auto", "huggingface")
_EXTRAS = {"batch_size", "max_batch_size", "device"}  # the harness gives them to every model, of use or not
_UNEXPECTED = re.compile(r"unexpected keyword argument '(\w+)'")
_MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: '?(\w+)'?")

logger = logging.getLogger(__name__)


_shared: dict[str, BaseLLM] | None = None
"""Key -> the base LLM built last, inside of `shared_base`."""


@contextmanager
def shared_base() -> Iterator[None]:
    """Inside, a base LLM that was just built with the same arguments is taken again; one is held at a time."""
    global _shared
    _shared = {}
    try:
        yield
    finally:
        _shared = None


def build_base(name: str, arguments: Mapping[str, Any], unchecked: Mapping[str, Any]) -> BaseLLM:
    """Build the backend ``name``, or take it from `shared_base`; see `_build` for the arguments."""
    if _shared is None:
        return _build(name, arguments, unchecked)
    key = canonical([name, {n: str(v) for n, v in arguments.items()}, {n: str(v) for n, v in unchecked.items()}])
    if key not in _shared:
        _shared.clear()  # before the next one is loaded
        gc.collect()  # models hold themselves in circles
        _shared[key] = _build(name, arguments, unchecked)
    return _shared[key]


def _build(name: str, arguments: Mapping[str, Any], unchecked: Mapping[str, Any]) -> BaseLLM:
    """Build the backend ``name``.

    Args:
        name: A model name of the harness, or ``scripted``.
        arguments: Checked against the backend's signature; ``None`` values are left out, and a key may be given as
            ``env:VARIABLE``.
        unchecked: The user's ``base_args``, passed on as they are, but for keys.

    Raises:
        ModPluralError: If the backend or an argument is unknown, a key stands among them, or the backend cannot be set
            up.
    """
    arguments, unchecked = _with_keys(arguments, "model_args"), _with_keys(unchecked, "base_args")
    given = {key: value for key, value in arguments.items() if value is not None}
    if name == SCRIPTED:
        from model_wrappers.base.scripted import ScriptedLM

        return BaseLLM(_call(ScriptedLM, name, _checked(ScriptedLM, name, given)))
    kind = backend_class(name)
    if name in LOCAL:
        given.setdefault("pretrained", EMBEDDED_READER)
        given.setdefault("device", _default_device())
        if given["pretrained"] in EMBEDDED_MODELS and _multiplies_bfloat16(given["device"]):
            given.setdefault("dtype", "bfloat16")  # the weights come in 4 bits; other models say themselves
    checked = {**_checked(kind, name, given), **unchecked}
    asked_for = checked.get("pretrained")
    if asked_for in EMBEDDED_MODELS:
        checked["pretrained"] = resolve_weights(asked_for)
    automatic = name in LOCAL and str(checked.get("batch_size", "")).startswith("auto")
    model = _call(kind, name, checked, hint=install_hint(str(asked_for)))
    if automatic:
        _settle_batch_size(model)
    return BaseLLM(model)


def _with_keys(arguments: Mapping[str, Any], where: str) -> dict[str, Any]:
    refuse_keys(arguments, where=where)
    return from_environment(arguments, where=where)


def _default_device() -> str:
    """The command line always names a device; the harness's own default elsewhere is CUDA, present or not."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def _multiplies_bfloat16(device: Any) -> bool:
    """Whether the device is a CPU that multiplies bfloat16; the CPU also stands in for a GPU that is missing."""
    import torch

    cpu = str(device) == "cpu" or (str(device).startswith("cuda") and not torch.cuda.is_available())
    return cpu and has_native_bfloat16()


def backend_class(name: str) -> Any:
    """The harness's class for a backend.

    Raises:
        ModPluralError: If there is none of that name, it is modplural itself, or a package that it needs is missing.
    """
    import lm_eval.models  # noqa: F401  (fills the registry)
    from lm_eval.api.registry import get_model, model_registry

    if name == "modplural":
        raise ModPluralError("base: modplural cannot be its own base LLM; name another backend, for example hf.")
    if name not in model_registry:
        raise unknown_name("base LLM backend", name, [*model_registry.keys(), SCRIPTED], where="base")
    try:
        found = get_model(name)
    except ImportError as error:
        raise ModPluralError(
            f"base: backend {name!r} needs a package that is not installed ({one_line(error)})."
        ) from error
    quieten_logs()  # its module made its loggers when it was imported
    return found


def _checked(kind: Any, name: str, given: dict[str, Any]) -> dict[str, Any]:
    known, takes_any = _parameters(kind)
    forwarded = _forwarded(kind)
    for argument in given:
        if argument not in known | forwarded | _EXTRAS:
            raise _unknown_argument(argument, name, known)
    return {key: value for key, value in given.items() if takes_any or key in known | forwarded}


def _unknown_argument(argument: str, name: str, known: set[str]) -> ModPluralError:
    error = unknown_name("argument", argument, known | OWN, where="model_args")
    short = str(error).split(" Valid:")[0]
    return ModPluralError(
        f"{short} Neither modplural nor the base {name!r} knows it; what the base takes without declaring goes into "
        "base_args (--model_args base=… 'base_args={\"…\": …}', apart and not first)."
    )


def _parameters(kind: Any) -> tuple[set[str], bool]:
    """Names that a class's constructors declare, and whether the class itself takes any other (``**kwargs``).

    Constructors up the line count as long as the one below takes ``**kwargs``, which it may pass up.
    """
    names: set[str] = set()
    levels = [vars(ancestor)["__init__"] for ancestor in inspect.getmro(kind) if "__init__" in vars(ancestor)]
    takes_any = []
    for level in levels:
        parameters = inspect.signature(level).parameters.values()
        names |= {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)} - {"self"}
        takes_any.append(any(p.kind is p.VAR_KEYWORD for p in parameters))
        if not takes_any[-1]:
            break
    return names, takes_any[0]


def _forwarded(kind: Any) -> set[str]:
    """Names that a backend hands to the library behind it (transformers' ``from_pretrained``, vLLM's engine)."""
    library = abilities_of(kind).library
    if library == "transformers":
        return set(FROM_PRETRAINED_ARGUMENTS)
    if library == "vllm":
        from vllm import EngineArgs

        return set(inspect.signature(EngineArgs).parameters)
    return set()


def _call(kind: Any, name: str, arguments: dict[str, Any], hint: str = "") -> Any:
    try:
        return kind.create_from_arg_obj(arguments, {})
    except ModPluralError:
        raise
    except TypeError as error:
        raise _explain(error, kind, name) from error
    except Exception as error:  # a backend raises whatever its library, server or disk raises
        raise ModPluralError(
            f"base {name!r} cannot be set up ({type(error).__name__}: {one_line(error)[:400]}).{hint}"
        ) from error


def _explain(error: TypeError, kind: Any, name: str) -> ModPluralError:
    unexpected, missing = _UNEXPECTED.search(str(error)), _MISSING.search(str(error))
    if unexpected:
        return _unknown_argument(unexpected[1], name, _parameters(kind)[0])
    if missing:
        return ModPluralError(f"model_args: the base {name!r} needs {missing[1]}=….")
    return ModPluralError(f"base {name!r} cannot be set up ({one_line(error)[:400]}).")


def _settle_batch_size(model: Any) -> None:
    """Replace ``batch_size=auto`` by a number on a CPU.

    The harness finds the largest batch by trying full-length ones until memory runs out, which on a CPU ends the
    process. Logits take 4 bytes x length x vocabulary for each row, twice (scores and their log-softmax); half of the
    free memory is used, for prompts of up to 1,024 tokens. The number is rounded down to a power of two, so that two
    runs on one machine take the same and give the same figures to the last bit.
    """
    if getattr(model.device, "type", str(model.device)) != "cpu":
        return
    import psutil

    length = min(int(model.max_length), 1024)
    row = 8 * length * int(model.vocab_size)
    limit = int(model.max_batch_size or 64)
    rows = max(1, min(limit, int(psutil.virtual_memory().available * 0.5 // row)))
    model.batch_size_per_gpu = 1 << (rows.bit_length() - 1)
    logger.warning("batch_size=auto: using %d on this CPU.", model.batch_size_per_gpu)
