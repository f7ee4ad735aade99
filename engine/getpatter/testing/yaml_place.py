"""Where something stands in a YAML file, for messages about what is wrong with it."""

from __future__ import annotations

from typing import cast

import yaml


def child(node: yaml.Node | None, part: int | str) -> yaml.Node | None:
    """The value at an index or a key of a YAML node, where it has it."""
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return cast(yaml.Node, node.value[part])
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(part)), None)
    return None


def line(node: yaml.Node | None) -> int:
    """From 1; 1 where there is no node."""
    return node.start_mark.line + 1 if node is not None else 1
