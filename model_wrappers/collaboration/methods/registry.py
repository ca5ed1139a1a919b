"""The registry of methods, in the order in which they are compared."""

from model_wrappers.collaboration.methods.base import Method
from model_wrappers.collaboration.methods.modplural import ModPlural
from model_wrappers.collaboration.methods.moe import MixtureOfExperts
from model_wrappers.collaboration.methods.prompting import Prompting
from model_wrappers.collaboration.methods.vanilla import Vanilla

METHODS: dict[str, Method] = {
    method.name: method for method in (Vanilla(), Prompting(), MixtureOfExperts(), ModPlural())
}
