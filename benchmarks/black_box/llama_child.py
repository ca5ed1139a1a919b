"""llama-cpp-python's own server, with two of its habits put right; run by the Python that has the package.

Takes the arguments of ``python -m llama_cpp.server``. What differs:

- No request starts from what an earlier one left in the key-value cache. Where a prompt is cut into batches changes
  the last bits of its figures, so that answers would depend on the order of the requests.
- Settings that a request leaves out are those of the protocol: plain sampling at temperature 1, where the package
  cuts the distribution (top_k 40, top_p 0.95, min_p 0.05) and penalises repetition (1.1).

Its ``/v1/completions`` is not for scoring: with ``echo`` it shows each token's log-probability one place too late
(unless the prompt begins with the token that begins texts), leaves such tokens out, and takes no token ids.
"""

from __future__ import annotations

from typing import Any

PROTOCOL = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}
"""Setting -> value where a request does not say; 0 and 1 switch the last three off."""


def forget_earlier_requests(kind: Any) -> None:
    """Make each generation of a ``Llama`` begin with an empty cache."""
    generate = kind.generate

    def afresh(self: Any, *arguments: Any, **options: Any) -> Any:
        self.reset()
        return generate(self, *arguments, **options)

    kind.generate = afresh


def take_the_protocols_defaults(*requests: Any) -> None:
    """Change what the models of request bodies put where nothing is said."""
    for request in requests:
        for name, value in PROTOCOL.items():
            if name in request.model_fields:
                request.model_fields[name].default = value
        request.model_rebuild(force=True)


def main() -> None:
    """Serve until the process is ended."""
    from llama_cpp import Llama
    from llama_cpp.server.types import CreateChatCompletionRequest, CreateCompletionRequest

    forget_earlier_requests(Llama)
    take_the_protocols_defaults(CreateCompletionRequest, CreateChatCompletionRequest)
    # Only now: the routes are made of the request models when their module is imported.
    from llama_cpp.server.__main__ import main as serve

    serve()


if __name__ == "__main__":
    main()
