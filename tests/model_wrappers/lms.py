"""Models of the harness made for tests. Import it in a function: the harness is heavy."""

from lm_eval.api.model import LM

from community_lms.remote.abilities import Abilities
from model_wrappers.base.scripted import ScriptedLM


class Strict(LM):
    """Declares all it takes."""

    def __init__(self, path: str, length: int = 5, batch_size: int = 1) -> None:
        super().__init__()
        self.given = {"path": path, "length": length, "batch_size": batch_size}

    def loglikelihood(self, requests):
        raise NotImplementedError

    loglikelihood_rolling = generate_until = loglikelihood


class Loose(Strict):
    """Hands everything up and drops the rest, as the harness's API models do."""

    def __init__(self, server: str = "x", **rest) -> None:
        super().__init__(rest.get("path", "p"))
        self.server = server


class NoScores(ScriptedLM):
    """Writes, but gives no log-likelihoods."""

    abilities = Abilities()

    def loglikelihood(self, requests, disable_tqdm=False):
        """Refuse."""
        raise NotImplementedError("none here")
