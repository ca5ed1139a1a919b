"""The modes by name."""

from model_wrappers.collaboration.modes.base import CollaborationMode
from model_wrappers.collaboration.modes.distributional import Distributional
from model_wrappers.collaboration.modes.overton import Overton
from model_wrappers.collaboration.modes.steerable import Steerable

MODES: dict[str, CollaborationMode] = {mode.name: mode for mode in (Overton(), Steerable(), Distributional())}
