"""A model of the harness whose answers are known. Import it in a function: the harness is heavy."""

from typing import Any

from lm_eval.api.model import LM


class Fixed(LM):
    """Always prefers what is shown first, three to one; always says the same."""

    def __init__(self, answer: str = "Duty matters. So does care.") -> None:
        super().__init__()
        self.answer = answer
        self.prompts: list[str] = []

    def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
        self.prompts += [request.args[0] for request in requests]
        return [(-0.5 if request.args[1].strip() == "A" else -0.5 - 1.0986122886681098, False) for request in requests]

    def loglikelihood_rolling(self, requests: list[Any]) -> list[float]:
        raise AssertionError("nothing asks for this")

    def generate_until(self, requests: list[Any]) -> list[str]:
        self.prompts += [request.args[0] for request in requests]
        return [self.answer] * len(requests)
