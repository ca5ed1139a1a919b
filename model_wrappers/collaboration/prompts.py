"""Prompt sets: every wording that modplural puts before a model, as data with documented slots."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from community_lms.pools.spec import Role, digest
from plural_tasks.schema import Mode, Text
from plural_tasks.utils.checked import Checked, parse, read_yaml
from plural_tasks.utils.errors import ModPluralError, unknown_name

FOLDER = Path(__file__).resolve().parents[2] / "task_configs" / "prompts"

_COMMUNITY = {"question", "options", "attribute", "community", "description"}
SLOTS: dict[str, set[str]] = {
    "community.overton": _COMMUNITY,
    "community.steerable": _COMMUNITY,
    "community.distributional": _COMMUNITY,
    "prompting.overton": {"context", "attribute"},
    "prompting.steerable": {"context", "attribute"},
    "prompting.distributional": {"context", "attribute"},
    "route": {"question", "attribute", "communities"},
    "expert": {"context", "message", "attribute"},
    "synthesise": {"context", "messages"},
    "select": {"question", "attribute", "messages"},
    "answer": {"context", "message", "attribute"},
    "reflect": {"context", "message", "attribute"},
    "module.knowledge": {"question", "options"},
    "module.safety": {"question", "options"},
    "background": {"context", "knowledge", "safety"},
    "verbalise": {"context", "options"},
}
"""The slots that each template may use."""

REQUIRED: dict[str, set[str]] = {
    "community.overton": {"question"},
    "community.steerable": {"question"},
    "community.distributional": {"question"},
    "prompting.overton": {"context"},
    "prompting.steerable": {"context", "attribute"},
    "prompting.distributional": {"context"},
    "route": {"question", "communities"},
    "expert": {"context", "message"},
    "synthesise": {"context", "messages"},
    "select": {"question", "attribute", "messages"},
    "answer": {"context", "message"},
    "reflect": {"context", "message"},
    "module.knowledge": {"question"},
    "module.safety": {"question"},
    "background": {"context", "knowledge", "safety"},
    "verbalise": {"context", "options"},
}
"""The slots without which a template cannot do its work."""

LATER = ("module", "background", "verbalise")
"""Templates that sets of earlier releases lack; these take the wording of the set ``default``."""

_ENVIRONMENT = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


class ByMode(Checked):
    """One template for each mode."""

    overton: Text
    steerable: Text
    distributional: Text


class ByRole(Checked):
    """One template for each kind of module."""

    knowledge: Text
    safety: Text


class PromptSet(Checked):
    """A named set of templates; see ``task_configs/prompts/default.yaml`` for what each is for."""

    name: Text
    description: str = ""
    community: ByMode
    prompting: ByMode
    route: Text
    expert: Text
    synthesise: Text
    select: Text
    answer: Text
    reflect: Text
    module: ByRole
    background: Text
    verbalise: Text

    def template(self, name: str, part: Mode | Role | None = None) -> str:
        """Return the text of a template; ``part`` for those that have one for each mode or role."""
        found = getattr(self, name)
        return getattr(found, part) if part is not None else found  # type: ignore[no-any-return]

    def render(self, name: str, part: Mode | Role | None = None, **slots: Any) -> str:
        """Fill a template's slots; surrounding white space is removed."""
        return str(_compiled(self.template(name, part)).render(**slots)).strip()

    def digest(self) -> str:
        """SHA-256 of all templates, whatever the set is called."""
        return digest(self.model_dump(exclude={"name", "description"}))


@cache
def load_prompts(spec: str) -> PromptSet:
    """Load a prompt set by name or from a file, and check every template's slots.

    A file of an earlier release lacks the templates `LATER`; the wording of the set ``default`` then stands in, which
    only pools with modules and ``elicitation=verbalised`` make use of.

    Raises:
        ModPluralError: If there is no such set, the file is malformed, or a template uses an unknown slot or lacks a
            needed one.
    """
    path = prompt_set_path(str(spec))
    data = read_yaml(path)
    if isinstance(data, Mapping) and not all(name in data for name in LATER):
        default = load_prompts("default")
        data = {**{name: getattr(default, name) for name in LATER}, **data}
    prompts = parse(PromptSet, data, where=str(path))
    for name in SLOTS:
        _check(prompts, name, f"{path}, template {name!r}")
    return prompts


def prompt_set_names() -> tuple[str, ...]:
    """Names of the prompt sets that ship with the package."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.yaml")))


def prompt_set_path(spec: str) -> Path:
    """Return the file of a prompt set.

    Raises:
        ModPluralError: If ``spec`` is neither a name nor looks like a file.
    """
    if spec in prompt_set_names():
        return FOLDER / f"{spec}.yaml"
    path = Path(spec).expanduser()
    if path.suffix in (".yaml", ".yml") or path.is_file():
        return path
    raise unknown_name("prompt set", spec, prompt_set_names(), where="prompts (a name or a YAML file)")


def _check(prompts: PromptSet, name: str, where: str) -> None:
    part, _, mode = name.partition(".")
    text = prompts.template(part, mode or None)  # type: ignore[arg-type]
    try:
        used = meta.find_undeclared_variables(_ENVIRONMENT.parse(text))
    except TemplateSyntaxError as error:
        raise ModPluralError(f"{where}, line {error.lineno}: {error.message}.") from error
    for slot in sorted(used - SLOTS[name]):
        raise unknown_name("slot", slot, SLOTS[name], where=where)
    for slot in sorted(REQUIRED[name] - used):
        raise ModPluralError(f"{where}: lacks the slot {{{{ {slot} }}}}, without which it cannot do its work.")


@cache
def _compiled(text: str) -> Any:
    return _ENVIRONMENT.from_string(text)
