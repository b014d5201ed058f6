"""YAML as nodes with their lines: nothing is constructed, so no tag can fail."""

from collections.abc import Mapping
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
#: How often a merge key may lead to another one.
_DEPTH = 10

#: A node of PyYAML, which has no types.
Node = Any


def parse(content: bytes) -> Node:
    """Return the node of a document; None if there is none or it isn't YAML."""
    try:
        return yaml.compose(content, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def items(node: Node) -> list[Node]:
    """Return the items of a list, none of anything else."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def fields(node: Node, depth: int = _DEPTH) -> Mapping[str, Node]:
    """Return the values of an object by their keys, none of anything else."""
    if not isinstance(node, yaml.MappingNode) or not depth:
        return {}
    merged: dict[str, Node] = {}
    own: dict[str, Node] = {}
    for key, value in node.value:
        if key.tag == _MERGE:
            for source in items(value) or [value]:
                merged = {**fields(source, depth - 1), **merged}
        elif isinstance(key, yaml.ScalarNode):
            own[key.value] = value
    return merged | own


def text(node: Node) -> str:
    """Return the text of a scalar, an empty one of anything else and of null."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return ""
    return str(node.value)


def line(node: Node) -> int:
    """Return the line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def scalar(value: str) -> Node:
    """Return a node for a text that isn't a node of its own."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)
