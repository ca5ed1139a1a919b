"""How a distribution over a document's options is got out of the base LLM. One file each, one registry."""

from model_wrappers.collaboration.elicitation.auto import AUTO, choose
from model_wrappers.collaboration.elicitation.base import Elicited, Job, Route
from model_wrappers.collaboration.elicitation.registry import ROUTES

__all__ = ["AUTO", "ROUTES", "Elicited", "Job", "Route", "choose"]
