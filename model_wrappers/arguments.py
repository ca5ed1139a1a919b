"""The model arguments that modplural itself understands; all others go to the base LLM."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from community_lms.engines import AUTO, ENGINES
from community_lms.pools.served import PATIENCE, SERVER, read_served
from community_lms.pools.serving import check_server, on_server
from community_lms.pools.spec import Decoding, Pool
from plural_tasks.schema import MODES, Mode
from plural_tasks.utils.checked import Checked, parse
from plural_tasks.utils.errors import ModPluralError, unknown_name

MethodName = Literal["vanilla", "prompting", "moe", "modplural"]
METHOD_NAMES: tuple[MethodName, ...] = get_args(MethodName)

DEFAULT_SEED = 1234
"""The harness's own default for torch, so that a plain run and `modplural messages generate` agree."""


NO_RESPONSE_CACHE = (
    "--use_cache: its key is the prompt alone, so it would mix up attributes, methods and pools; leave it out. "
    "Messages of communities are kept in the message store (messages=PATH), and answers of models behind APIs in the "
    "answer store (answers=PATH), whatever this option says."
)
"""What a run that is given the harness's response cache is told."""


class Arguments(Checked):
    """Settings of `ModPluralLM`, as given in ``--model_args``.

    Attributes:
        base: Name of the harness's backend for the base LLM, or ``scripted`` (deterministic, no model).
        pool: A preset, a file, a community of a preset, or several with ``+`` and ``-``.
        communities: Keep only these, joined by ``+``.
        weights: Mixture weights, see `community_lms.pools.pool.weigh`.
        mixture: ``prior``, or ``attribute``: in the distributional mode the base LLM weighs each community by how well
            its description fits the population that is asked about, beside its weight.
        selection: How the base LLM picks a message or a community: ``score`` (the most probable number), ``generate``
            (what it writes), or ``auto``: by scores where the base LLM runs in this process, else by what it writes.
        label_variants: Whether an option's letter counts with a space before it and without; by default as the task
            asks.
        elicitation: How a distribution over a document's options is got out of the base LLM: ``logprob``, ``sample``,
            ``verbalised``, or ``auto``: as suits what the base LLM can do.
        elicitation_samples: Answers that ``sample`` draws for each prompt.
        elicitation_smoothing: Answers of each option that ``sample`` adds to those that it counted.
        elicitation_error: Monte-Carlo error of a prompt's distribution, 0..1, at which ``sample`` draws no more.
        mode: For all documents; by default each document's own.
        method: ``vanilla``, ``prompting``, ``moe`` or ``modplural``.
        attribute: Point of view for all documents; by default each document's own.
        prompts: Name or file of a prompt set.
        message_engine: ``auto``, ``openvino``, ``peft``, ``vllm``, ``server``, ``backend`` or ``scripted``.
        message_server: Address of a server of the OpenAI protocol that speaks for adapters, checkpoints and personas.
        message_server_args: Further fields of `community_lms.pools.served.Served`.
        messages: File of the message store; by default one in the user's cache folder; ``none`` keeps nothing.
        message_temperature: In place of the pool's.
        message_top_p: In place of the pool's.
        message_max_new_tokens: In place of the pool's.
        message_batch_size: Messages generated, and committed, together; by default as suits the engine.
        message_dtype: Precision of the communities; ``auto`` is bfloat16 on a CPU that multiplies it natively.
        tell_attribute: Whether communities are told whose point of view is wanted; by default as the pool says.
        messages_per_community: How often each community is asked, each time with a seed of its own.
        seed: Seed of messages and fallbacks; by default torch's seed, which ``--seed`` sets.
        trace: File to which one JSON line is added for every document.
        base_engine: ``auto``: a base LLM of transformers scores and writes in modplural's own, faster ways where these
            suit it; ``harness``: always as the harness has it.
        base_args: More arguments for the base LLM, passed on unchecked.
        base_patience: Seconds for which a request to a base LLM behind an API is repeated before the run stops.
        answers: File of the answer store, for models behind APIs; by default one in the user's cache folder; ``none``
            keeps nothing.
        budget_cost: Dollars that the command may spend on models behind APIs.
        budget_tokens: Tokens, of prompts and answers together, that it may spend on them.
        prices: File with prices of models, see `community_lms.remote.prices`; it goes before the table that comes with
            modplural.
    """

    base: str = "hf"
    pool: str = "embedded"
    communities: str | list[str] | None = None
    weights: str | float | list[float] | list[str] | dict[str, float] | None = None
    mixture: Literal["prior", "attribute"] = "prior"
    selection: Literal["auto", "score", "generate"] = "auto"
    label_variants: bool = False
    elicitation: Literal["auto", "logprob", "sample", "verbalised"] = "auto"
    elicitation_samples: Annotated[int, Field(ge=1)] = 20
    elicitation_smoothing: Annotated[float, Field(ge=0)] = 0.5
    elicitation_error: Annotated[float, Field(gt=0, le=1)] | None = None
    mode: str | None = None
    method: MethodName = "modplural"
    attribute: str | None = None
    prompts: str = "default"
    message_engine: str = AUTO
    message_server: str | None = None
    message_server_args: dict[str, Any] | str | None = None
    messages: str | None = None
    message_temperature: float | None = None
    message_top_p: float | None = None
    message_max_new_tokens: int | None = None
    message_batch_size: Annotated[int, Field(ge=1)] | None = None
    message_dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    tell_attribute: bool | None = None
    messages_per_community: Annotated[int, Field(ge=1)] = 1
    seed: Annotated[int, Field(ge=0)] | None = None
    trace: str | None = None
    base_engine: Literal["auto", "harness"] = "auto"
    base_args: dict[str, Any] = Field(default_factory=dict)
    base_patience: Annotated[float, Field(ge=0)] = PATIENCE
    answers: str | None = None
    budget_cost: Annotated[float, Field(gt=0)] | None = None
    budget_tokens: Annotated[int, Field(gt=0)] | None = None
    prices: str | None = None

    @field_validator("pool", "attribute", "base", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        # The command line turns "2024" into a number.
        return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value

    def decoding(self, default: Decoding) -> Decoding:
        """The pool's decoding with the user's changes."""
        changes = {
            "temperature": self.message_temperature,
            "top_p": self.message_top_p,
            "max_new_tokens": self.message_max_new_tokens,
        }
        given = {name: value for name, value in changes.items() if value is not None}
        try:
            return parse(Decoding, default.model_dump() | given, where="model_args")
        except ModPluralError as error:
            raise ModPluralError(str(error).replace("field '", "field 'message_")) from error

    def served(self, pool: Pool) -> Pool:
        """The pool, asked from the user's server if there is one.

        Raises:
            ModPluralError: If server, its settings and the engine do not go together.
        """
        if self.message_server is None:
            if self.message_server_args is not None:
                raise ModPluralError("message_server_args goes with message_server=http://HOST:PORT/v1.")
        elif self.message_engine not in (AUTO, SERVER):
            raise ModPluralError(
                f"message_server goes with message_engine=server (or auto), found message_engine={self.message_engine}."
            )
        else:
            pool = on_server(pool, read_served(self.message_server, self.message_server_args))
        check_server(pool, self.message_engine)
        return pool

    @property
    def chosen_mode(self) -> Mode | None:
        """The mode for all documents, or None."""
        return self.mode  # type: ignore[return-value]


OWN = frozenset(Arguments.model_fields)


def read_arguments(given: Mapping[str, Any]) -> Arguments:
    """Validate modplural's own arguments.

    Raises:
        ModPluralError: For an unknown method, mode or engine, or a value of the wrong kind.
    """
    for kind, name, valid in (
        ("method", given.get("method"), METHOD_NAMES),
        ("mode", given.get("mode"), MODES),
        ("message engine", given.get("message_engine"), [*ENGINES, AUTO]),
    ):
        if isinstance(name, str) and name not in valid:  # what is no text is left to the types
            raise unknown_name(kind, name, valid, where="model_args")
    return parse(Arguments, given, where="model_args")
