"""The three collaboration modes: how the base LLM uses the communities' messages. One file each, one registry."""

from model_wrappers.collaboration.modes.base import CollaborationMode
from model_wrappers.collaboration.modes.registry import MODES

__all__ = ["MODES", "CollaborationMode"]
