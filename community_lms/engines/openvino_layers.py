"""The linear layers of a graph, and adapters on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import openvino
from openvino import opset13 as ops

_LINEAR = "/aten::linear/MatMul"
_BACKBONE = "__module.backbone."


class UnsuitableError(Exception):
    """OpenVINO cannot run this backbone or adapter as it is; transformers can."""


def linear_layers(model: openvino.Model) -> dict[str, Any]:
    """The backbone's linear layers by the names that adapters have for them."""
    named = ((node.get_friendly_name(), node) for node in model.get_ordered_ops() if node.get_type_name() == "MatMul")
    return {
        name.removeprefix(_BACKBONE).removesuffix(_LINEAR): node
        for name, node in named
        if name.startswith(_BACKBONE) and name.endswith(_LINEAR)
    }


def with_adapters(model: openvino.Model, sizes: Mapping[str, tuple[int, int]]) -> openvino.Model:
    """Give linear layers a low-rank summand, whose matrices are the inputs ``NAME.A`` and ``NAME.B``.

    Args:
        model: The graph that `graph_of` made.
        sizes: Name of each layer -> numbers of its inputs and outputs, as the adapter has them.

    Raises:
        UnsuitableError: If the graph has no linear layer of such a name.
        ValueError: If the layer is of another size.
    """
    layers, inputs = linear_layers(model), []
    for name, size in sizes.items():
        if name not in layers:
            raise UnsuitableError(f"the graph has no linear layer {name!r}")
        node = layers[name]
        out, into = (node.input(1).get_partial_shape()[axis].get_length() for axis in (0, 1))
        if size != (into, out):
            raise ValueError(
                f"{name} takes {into} and gives {out} numbers, the adapter's layer {size[0]} and {size[1]}"
            )
        source, targets = node.input(0).get_source_output(), list(node.output(0).get_target_inputs())
        first = new_input(f"{name}.A", [-1, into])
        second = new_input(f"{name}.B", [out, -1])
        total = ops.add(node, _product(source, first, second, size))
        for target in targets:
            target.replace_source_output(total.output(0))
        inputs += [first, second]
    return openvino.Model(model.get_results(), model.get_sinks(), [*model.get_parameters(), *inputs], "backbone")


def _product(source: Any, first: Any, second: Any, size: tuple[int, int]) -> Any:
    """Multiply ``source`` by both matrices as one flat product, where rows of one token would make thousands."""
    into, out = size
    flat = ops.reshape(source, _whole([-1, into]), False)
    product = ops.matmul(ops.matmul(flat, first, False, True), second, False, True)
    rest = ops.gather(ops.shape_of(source, "i64"), _whole([0, 1]), _whole(0))
    return ops.reshape(product, ops.concat([rest, _whole([out])], 0), False)


def _whole(value: Any) -> Any:
    return ops.constant(value, dtype=np.int64)


def new_input(name: str, shape: list[int], kind: Any = np.float32) -> Any:
    """A new input of a graph."""
    parameter = ops.parameter(shape, kind, name=name)
    parameter.output(0).get_tensor().set_names({name})
    return parameter
