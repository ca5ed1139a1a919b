"""The compared methods: how a query becomes prompts for the base LLM. One file each, one registry."""

from model_wrappers.collaboration.methods.base import Asks, Method
from model_wrappers.collaboration.methods.registry import METHODS

__all__ = ["METHODS", "Asks", "Method"]
