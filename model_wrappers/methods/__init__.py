"""The compared methods: how a query becomes prompts for the base LLM. One file each, one registry."""

from model_wrappers.methods.base import Method
from model_wrappers.methods.modplural import ModPlural
from model_wrappers.methods.moe import MixtureOfExperts
from model_wrappers.methods.prompting import Prompting
from model_wrappers.methods.vanilla import Vanilla

METHODS: dict[str, Method] = {
    method.name: method for method in (Vanilla(), Prompting(), MixtureOfExperts(), ModPlural())
}

__all__ = ["METHODS", "Method"]
