"""Wordings of the question that an LLM judge is asked about two answers, as data."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import Field

from community_lms.pools.spec import digest
from model_wrappers.collaboration.prompts import FOLDER
from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse, read_yaml
from plural_tasks.utils.errors import ModPluralError, unknown_name

JUDGE_FOLDER = FOLDER / "judge"
SLOTS = {"situation", "first", "second"}
"""The slots of a judge's prompt; all are needed."""

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


class JudgePrompt(Checked):
    """A named wording of the question, and how long the reply may be; see ``task_configs/prompts/judge/``."""

    name: Text
    description: str = ""
    prompt: Text
    max_new_tokens: Annotated[int, Field(ge=1)] = 16

    def render(self, situation: str, first: str, second: str) -> str:
        """Fill the slots; surrounding white space is removed."""
        template = _ENVIRONMENT.from_string(self.prompt)
        return template.render(situation=situation, first=first, second=second).strip()

    def digest(self) -> str:
        """SHA-256 of the wording, whatever it is called."""
        return digest(self.prompt)


@cache
def load_judge_prompt(spec: str) -> JudgePrompt:
    """Load a judge's prompt by name or from a file, and check its slots.

    Raises:
        ModPluralError: If there is no such prompt, the file is malformed, or a slot is unknown or lacking.
    """
    path = _path(spec)
    found = parse(JudgePrompt, read_yaml(path), where=str(path))
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(found.prompt))
    except TemplateSyntaxError as error:
        raise ModPluralError(f"{path}, field 'prompt', line {error.lineno}: {error.message}.") from error
    for slot in sorted(used - SLOTS):
        raise unknown_name("slot", slot, SLOTS, where=str(path))
    for slot in sorted(SLOTS - used):
        raise ModPluralError(f"{path}: lacks the slot {{{{ {slot} }}}}, without which a judge cannot decide.")
    return found


def judge_prompt_names() -> tuple[str, ...]:
    """Names of the judges' prompts that ship with the package."""
    return tuple(sorted(path.stem for path in JUDGE_FOLDER.glob("*.yaml")))


def _path(spec: str) -> Path:
    if spec in judge_prompt_names():
        return JUDGE_FOLDER / f"{spec}.yaml"
    path = Path(spec).expanduser()
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    raise unknown_name("judge prompt", spec, judge_prompt_names(), where="--prompts (a name or a YAML file)")
