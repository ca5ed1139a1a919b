"""Communities and pools as validated data; a pool file is the YAML form of `Pool`."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, field_validator, model_validator

from community_lms.pools.served import SERVER, Served, as_served
from plural_tasks.schema import Text
from plural_tasks.utils.checked import Checked, parse

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Kind = Literal["adapter", "checkpoint", "endpoint", "persona"]
KINDS: tuple[Kind, ...] = ("adapter", "checkpoint", "endpoint", "persona")
Role = Literal["community", "knowledge", "safety"]
ROLES: tuple[Role, ...] = ("community", "knowledge", "safety")
"""A community has a view; a knowledge module gives facts and a safety module warns of harm, and neither has one."""


class Decoding(Checked):
    """How a message is sampled. The defaults are the published ones (Feng et al. 2024)."""

    temperature: Annotated[float, Field(ge=0.0, le=10.0)] = 1.0
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    max_new_tokens: Annotated[int, Field(ge=1, le=8192)] = 200


class Weights(Checked):
    """Model weights: in a Hub repository, a local folder, or ``embedded`` (`community_lms.weights.embedded`)."""

    path: Text
    revision: str | None = None


class Endpoint(Checked):
    """A model behind any backend of the harness, or a ``server``, with the arguments of that backend."""

    backend: Text
    args: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check(self) -> Endpoint:
        if self.backend == SERVER and self.served().model is None:
            raise ValueError("args: field 'model' is missing: the name under which the server knows the community.")
        return self

    def served(self) -> Served:
        """The arguments of the backend ``server``, checked."""
        return parse(Served, self.args, where="args")


def as_weights(value: object) -> object:
    """Read a bare path as weights without a revision."""
    return {"path": value} if isinstance(value, str) else value


class Community(Checked):
    """One member of a pool: exactly one of ``adapter``, ``checkpoint``, ``endpoint``, ``persona``.

    Attributes:
        name: Unique in its pool.
        description: The community in a few words; the mixture-of-experts router reads it.
        role: ``community``; or ``knowledge`` or ``safety`` for a module that is no community: the base LLM gets its
            messages as background, and no mode treats them as a view.
        adapter: LoRA weights on top of ``backbone``.
        checkpoint: Full weights.
        endpoint: A model served elsewhere.
        persona: An instruction under which ``backbone`` itself speaks.
        backbone: The model under an adapter or a persona; a pool's ``backbone`` is the default.
        server: Server of an adapter, checkpoint or persona that is not to be loaded here.
        licence: Licence of the weights, or what is known of it.
        corpus: What the community said that the weights were trained on.
        prior_weight: Weight in the distributional mode before normalisation; modules have none.
    """

    name: Name
    description: Text
    role: Role = "community"
    adapter: Weights | None = None
    checkpoint: Weights | None = None
    endpoint: Endpoint | None = None
    persona: Text | None = None
    backbone: Weights | None = None
    server: Served | None = None
    licence: str = ""
    corpus: str = ""
    prior_weight: Annotated[float, Field(gt=0.0)] = 1.0

    _short_form = field_validator("adapter", "checkpoint", "backbone", mode="before")(as_weights)
    _short_server = field_validator("server", mode="before")(as_served)

    @model_validator(mode="after")
    def _check(self) -> Community:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"community {self.name!r} needs exactly one of {', '.join(KINDS)}; found {found}.")
        if self.endpoint is not None and self.server is not None:
            raise ValueError(f"community {self.name!r} is an endpoint, which has its own address; take out 'server'.")
        if self.role != "community" and self.prior_weight != 1.0:
            raise ValueError(
                f"community {self.name!r} is a {self.role} module, which gets no weight; take out 'prior_weight'."
            )
        return self

    @property
    def kind(self) -> Kind:
        """Kind of the community: the one of the four fields that is given."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class Pool(Checked):
    """Communities (and modules) that are asked together, and how their messages are decoded.

    Attributes:
        name: Name of the pool.
        description: The pool in a sentence.
        backbone: The model under adapters and personas that name none.
        decoding: How messages are sampled.
        tell_attribute: Whether prompts of communities name the attribute whose point of view is asked for, as in the
            published code. Without it one message serves every attribute of a question.
        communities: The members, modules included.
    """

    name: Text
    description: str = ""
    backbone: Weights | None = None
    decoding: Decoding = Decoding()
    tell_attribute: bool = True
    communities: tuple[Community, ...]

    _short_form = field_validator("backbone", mode="before")(as_weights)

    @model_validator(mode="after")
    def _check(self) -> Pool:
        if not self.communities:
            raise ValueError("the pool is empty, expected at least one community.")
        names = [community.name for community in self.communities]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"community {twice!r} is listed twice.")
        for community in self.communities:
            if community.kind in ("adapter", "persona") and (community.backbone or self.backbone) is None:
                raise ValueError(
                    f"community {community.name!r} has the {community.kind} but no backbone to put it on; "
                    "give the pool or the community a 'backbone'."
                )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all members, in order."""
        return tuple(community.name for community in self.communities)

    @property
    def community_members(self) -> tuple[Community, ...]:
        """The members that are communities: only they have views to be covered, selected, weighed or routed to."""
        return tuple(member for member in self.communities if member.role == "community")

    @property
    def modules(self) -> dict[str, Role]:
        """Name -> role of the members that are no community, in order."""
        return {member.name: member.role for member in self.communities if member.role != "community"}

    def resolved(self) -> Pool:
        """Return the pool with its default backbone written into every member that needs one and names none."""
        members = tuple(
            community.model_copy(update={"backbone": community.backbone or self.backbone})
            if community.kind in ("adapter", "persona")
            else community
            for community in self.communities
        )
        return self.model_copy(update={"communities": members})


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same text for the same data."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256, in hexadecimal, of the canonical JSON of ``value``."""
    return hashlib.sha256(canonical(value).encode("utf-8")).hexdigest()
