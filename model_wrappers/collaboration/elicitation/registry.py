"""The routes of elicitation by name."""

from model_wrappers.collaboration.elicitation.base import Route
from model_wrappers.collaboration.elicitation.logprob import Logprob
from model_wrappers.collaboration.elicitation.sample import Sample
from model_wrappers.collaboration.elicitation.verbalised import Verbalised

ROUTES: dict[str, Route] = {route.name: route for route in (Logprob(), Sample(), Verbalised())}
