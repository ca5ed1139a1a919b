"""Identity of communities and pools: what decides their messages, for keys and fingerprints."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from community_lms.pools.served import SERVER
from community_lms.pools.spec import Community, Endpoint, Pool, Weights, digest
from community_lms.weights.embedded import EMBEDDED, EMBEDDED_READER, HUB_REPOSITORY, READER, file_digest, packaged_gguf
from plural_tasks.utils.secrets import is_secret_name

_WEIGHT_FILES = (
    *("*.safetensors", "*.bin", "*.gguf", "*.model", "*config.json"),
    *("tokenizer*", "chat_template*", "vocab.json", "merges.txt"),
)


def identity(community: Community) -> dict[str, Any]:
    """Return the facts that decide a community's messages, as plain JSON.

    Weights on the Hub are named by repository and revision, local ones by a digest of their files, an endpoint by its
    backend and arguments (never by a key or token). The name of the community is not part of it. Weights on a server
    are named as if they were here, together with the server's settings that decide messages.
    """
    if community.endpoint is not None:
        return {"endpoint": {"backend": community.endpoint.backend, "args": _arguments(community.endpoint)}}
    settings = community.server.deciding() if community.server is not None else {}
    fields = ("checkpoint",) if community.checkpoint is not None else ("backbone", "adapter")
    weights = {field: getattr(community, field) for field in fields}
    named = {field: weights_identity(found) for field, found in weights.items() if found is not None}
    return {**({"server": settings} if settings else {}), **named}


def fingerprint(pool: Pool) -> str:
    """SHA-256 of everything about a pool that can change an answer; the same on every machine.

    Local weights count by their content and not by their path, licence and corpus not at all. Roles and
    ``tell_attribute`` count where they are not the default, so that other pools keep the fingerprints of earlier
    releases.
    """
    described = {"name", "description", "persona", "prior_weight"}
    members = [
        {
            **community.model_dump(include=described, exclude_none=True),
            **({} if community.role == "community" else {"role": community.role}),
            "identity": identity(community),
        }
        for community in pool.resolved().communities
    ]
    settings = {} if pool.tell_attribute else {"tell_attribute": False}
    return digest({"decoding": pool.decoding.model_dump(), "communities": members, **settings})


def _arguments(endpoint: Endpoint) -> dict[str, Any]:
    """Arguments of an endpoint that decide a message."""
    if endpoint.backend != SERVER:
        return _public(endpoint.args)
    served = endpoint.served()
    return {"base_url": served.base_url, **served.deciding()}


def weights_identity(weights: Weights) -> dict[str, str]:
    """Identity of weights: repository and revision, or a digest of local files."""
    if weights.path == EMBEDDED_READER:
        return {**weights_identity(Weights(path=EMBEDDED)), "reader": folder_digest(str(READER))}
    if weights.path == EMBEDDED:
        gguf = packaged_gguf()
        return {"sha256": _cached_digest(str(gguf))} if gguf else {"repo": HUB_REPOSITORY, "revision": "main"}
    folder = Path(weights.path)
    if folder.is_dir():
        return {"sha256": folder_digest(str(folder))}
    return {"repo": weights.path, "revision": weights.revision or "main"}


@cache
def folder_digest(folder: str) -> str:
    """SHA-256 over names and contents of the files that decide a model's output."""
    files = sorted({path for pattern in _WEIGHT_FILES for path in Path(folder).glob(pattern) if path.is_file()})
    return digest([[path.name, file_digest(path)] for path in files])


@cache
def _cached_digest(path: str) -> str:
    return file_digest(Path(path))


def _public(args: dict[str, Any]) -> dict[str, Any]:
    # Numbers and switches are no credentials, whatever their name (max_tokens, add_bos_token): they decide the message.
    return {
        name: _public(value) if isinstance(value, dict) else value
        for name, value in args.items()
        if not is_secret_name(name) or isinstance(value, bool | int | float)
    }
