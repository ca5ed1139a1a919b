"""Any backend of the harness as a community: endpoints, and local backends such as vLLM."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from community_lms.engines.warning import EngineWarning
from community_lms.messages.message import Message, MessageRequest, Turn
from community_lms.pools.spec import Community, Endpoint, canonical
from community_lms.remote.abilities import abilities_of
from community_lms.remote.account import Account
from community_lms.remote.budget import BudgetReachedError
from community_lms.remote.client import RemoteModel
from community_lms.remote.retry import RetryPolicy
from community_lms.weights.embedded import resolve_weights
from plural_tasks.utils.credentials import from_environment, quieten_logs
from plural_tasks.utils.errors import ModPluralError, one_line, unknown_name

logger = logging.getLogger(__name__)


class BackendEngine:
    """Asks each community through ``generate_until`` of its own lm-eval backend.

    Members that are no endpoint are served by the backend ``hf``. API backends get each message's own seed; whether
    they honour it is up to the server.
    """

    name = "backend"

    def __init__(self, *, batch_size: int = 16, device: str | None = None, dtype: str = "auto") -> None:
        """Make the engine; the arguments are those of `MessageEngine`."""
        self.batch_size = batch_size
        self.warnings: list[EngineWarning] = []
        self._device = device
        self._dtype = dtype
        self.account = Account()
        self._backends: dict[str, Any] = {}
        self._remote_models: dict[str, RemoteModel] = {}

    def speak(self, requests: Sequence[MessageRequest]) -> list[Message]:
        """Generate one message for each request, in order (`MessageEngine.speak`)."""
        from lm_eval.api.instance import Instance

        community = requests[0].community
        backend = self._backend(community)
        instances = [
            Instance(
                request_type="generate_until",
                doc={},
                arguments=(self._render(backend, request.turns), self._generation(backend, request)),
                idx=0,
                metadata=(community.name, number, 1),
            )
            for number, request in enumerate(requests)
        ]
        _seed_global_generators(requests[0].key)
        try:
            texts = self._write(requests, backend, instances)
        except BudgetReachedError:
            raise
        except ModPluralError as error:
            raise ModPluralError(f"community {community.name!r}: {error}") from error
        except Exception as error:  # backends raise whatever their client or server raises
            raise ModPluralError(
                f"community {community.name!r}: the backend did not answer "
                f"({type(error).__name__}: {one_line(error)[:300]})."
            ) from error
        return [Message(community.name, str(text or "").strip()) for text in texts]

    def _write(self, requests: Sequence[MessageRequest], backend: Any, instances: list[Any]) -> list[str]:
        """Return one text for each request; requests to APIs are repeated and paid out of the account."""
        community = requests[0].community
        if not abilities_of(type(backend)).asked_here:
            return list(backend.generate_until(instances, disable_tqdm=True))
        if community.name not in self._remote_models:
            endpoint = community.endpoint
            attempts = endpoint.args.get("max_retries") if endpoint is not None else None
            retry_policy = RetryPolicy(attempts=int(attempts) if attempts is not None else None)
            self._remote_models[community.name] = RemoteModel(backend, self.account, retry_policy)
        for instance, request in zip(instances, requests, strict=True):
            instance.purpose = {"phase": "messages", "community": community.name, "sample": request.number}
            instance.metadata = ("", None, 1)
        return self._remote_models[community.name].write(instances)

    def _generation(self, backend: Any, request: MessageRequest) -> dict[str, Any]:
        decoding = request.decoding
        settings: dict[str, Any] = {
            "until": [],
            "max_gen_toks": decoding.max_new_tokens,
            "temperature": decoding.temperature,
        }
        if decoding.temperature == 0:
            return {**settings, "do_sample": False}
        settings |= {"do_sample": True, "top_p": decoding.top_p}
        able = abilities_of(type(backend))
        if able.is_api and able.takes_seeds:
            settings["seed"] = int(request.key[:7], 16)
        return settings

    def _render(self, backend: Any, turns: Sequence[Turn]) -> Any:
        messages = [{"role": role, "content": text} for role, text in turns]
        try:
            return backend.apply_chat_template(messages)
        except Exception as error:  # a backend without a chat template says so in many ways
            logger.debug("no chat template (%s); asking in plain text", error)
            return "\n\n".join(text for _, text in turns) + "\n\n"

    def _backend(self, community: Community) -> Any:
        endpoint = community.endpoint or _as_endpoint(community)
        key = canonical(endpoint.model_dump())
        if key not in self._backends:
            self._backends[key] = self._make(community.name, endpoint)
        return self._backends[key]

    def _make(self, name: str, endpoint: Endpoint) -> Any:
        import lm_eval.models  # noqa: F401  (fills the registry)
        from lm_eval.api.registry import get_model, model_registry

        if endpoint.backend not in model_registry:
            raise unknown_name("backend", endpoint.backend, model_registry.keys(), where=f"community {name!r}")
        settings = from_environment(endpoint.args, where=f"community {name!r}, args")
        if endpoint.backend in ("hf", "hf-auto", "huggingface"):
            ours = {"batch_size": self.batch_size, "dtype": self._dtype, "device": self._device}
            settings = {name: value for name, value in ours.items() if value is not None} | settings
        try:
            kind = get_model(endpoint.backend)
            quieten_logs()
            return kind.create_from_arg_obj(settings, {})
        except Exception as error:
            raise ModPluralError(
                f"community {name!r}: backend {endpoint.backend!r} cannot be set up ({one_line(error)[:300]})."
            ) from error

    def close(self) -> None:
        """Let go of all backends."""
        self._remote_models.clear()
        self._backends.clear()


def _as_endpoint(community: Community) -> Endpoint:
    weights = community.checkpoint or community.backbone
    assert weights is not None
    args: dict[str, Any] = {"pretrained": resolve_weights(weights.path)}
    if weights.revision:
        args["revision"] = weights.revision
    if community.adapter is not None:
        args["peft"] = community.adapter.path
    return Endpoint(backend="hf", args=args)


def _seed_global_generators(key: str) -> None:
    """Seed torch's global generator, from which local backends sample, anew for every batch."""
    import sys

    if "torch" in sys.modules:
        import torch

        torch.manual_seed(int(key[:15], 16))
