"""How a distribution over a document's options is got out of the base LLM. One file each, one registry."""

from model_wrappers.collaboration.elicitation.auto import AUTO, choose
from model_wrappers.collaboration.elicitation.base import Elicited, Job, Route
from model_wrappers.collaboration.elicitation.logprob import Logprob
from model_wrappers.collaboration.elicitation.sample import Sample
from model_wrappers.collaboration.elicitation.verbalised import Verbalised

ROUTES: dict[str, Route] = {route.name: route for route in (Logprob(), Sample(), Verbalised())}

__all__ = ["AUTO", "ROUTES", "Elicited", "Job", "Route", "choose"]
