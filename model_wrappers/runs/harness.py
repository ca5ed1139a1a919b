"""The harness's command line, read without a run: its configuration, and what that means for a plan of messages."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from community_lms.messages.store import MessageStore
from model_wrappers.arguments import NO_RESPONSE_CACHE, OWN
from model_wrappers.runs.plan import Plan, make_plan
from plural_tasks.utils.credentials import refuse_keys
from plural_tasks.utils.errors import ModPluralError, nearest

NO_JSON = (
    "--model_args: a value in braces is not read in the midst of name=value,… . Give the arguments apart, with spaces, "
    "one without braces first: --model_args base=… model=… 'base_args={\"…\": …}'; or all as one JSON object."
)


def harness_config(arguments: Sequence[str]) -> Any:
    """The harness's own reading of its arguments.

    Raises:
        ModPluralError: If there are none, for which it would print its help, an option is unknown, JSON stands where
            the harness does not read it, or a key stands among the model's arguments.
    """
    if not arguments:
        raise ModPluralError("name the tasks: --tasks plural_embedded, for example.")
    from lm_eval._cli.harness import HarnessCLI
    from lm_eval.config.evaluate_config import EvaluatorConfig

    command = HarnessCLI()
    _check_options(arguments, command)
    before = sys.argv
    sys.argv = ["lm_eval", "run", *arguments]
    try:
        config = EvaluatorConfig.from_cli(command.parse_args())
    except ValueError as error:
        if isinstance(error, ModPluralError) or not str(error).startswith("Invalid JSON"):
            raise
        raise ModPluralError(NO_JSON) from None  # it repeats the arguments, and a key may be among them
    finally:
        sys.argv = before
    refuse_keys(config.model_args, where="model_args")
    return config


def check_response_cache(config: Any) -> None:
    """Check before anything is loaded that the harness's response cache is not asked for.

    Raises:
        ModPluralError: If it is.
    """
    if config.use_cache:
        raise ModPluralError(NO_RESPONSE_CACHE)


def _check_options(arguments: Sequence[str], command: Any) -> None:
    """Check that the harness has every option, whole or as a beginning of one as argparse takes it.

    Raises:
        ModPluralError: Naming the nearest.
    """
    own = ("--methods", "--bases", "--max-cost", "--max-tokens", "--prices")
    actions = command._subparsers.choices["run"]._actions
    known = [name for action in actions for name in action.option_strings if name.startswith("--")]
    for argument in arguments:
        name = argument.split("=")[0]
        if name.startswith("--") and len(name) > 2 and not any(one.startswith(name) for one in known):
            near = nearest(name, [*known, *own])
            hint = f" Did you mean {near}?" if near else ""
            raise ModPluralError(f"unknown option {name}.{hint} All: modplural eval --help, lm_eval run --help.")


def models_of(arguments: Sequence[str]) -> list[str]:
    """Return the models that are named by ``--model`` or ``-M``, in order; "" where a name is lacking."""
    following = [*arguments[1:], ""]
    parts = [(*argument.partition("="), after) for argument, after in zip(arguments, following, strict=True)]
    return [value if equals else after for name, equals, value, after in parts if name in ("--model", "-M")]


def names_model(arguments: Sequence[str]) -> bool:
    """Whether the arguments name a model, or a file with a configuration, which may name one."""
    return any(argument.split("=")[0] in ("--model", "-M", "--config", "-C") for argument in arguments)


def pool_settings(config: Any) -> dict[str, Any]:
    """Model arguments about the pool and its messages, without the files to write or keep them in."""
    own = OWN - {"messages", "trace", "method", "base", "base_args"}
    given = {name: value for name, value in config.model_args.items() if name in own}
    return {"seed": config.seed[2] if config.seed else None, **given}


def plan_of(config: Any, store: MessageStore) -> Plan:
    """Plan of the messages that a run with the harness's configuration would ask for; raises as `make_plan` does."""
    return make_plan(
        config.tasks or (),
        store,
        limit=int(config.limit) if config.limit and config.limit >= 1 else None,
        metadata=config.metadata,
        include_path=config.include_path,
        device=config.device,
        gen_kwargs=config.gen_kwargs,
        **pool_settings(config),
    )
