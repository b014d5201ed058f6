"""Parse YAML into nodes with line numbers, without objects, so that no tag fails."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE = "tag:yaml.org,2002:merge"
#: How deeply merge keys may be nested.
_DEPTH = 10

#: Levels of lists and mappings. libyaml's loader recurses in C without a limit: a file
#: with some ten thousand brackets would kill the process.
MAX_LEVELS = 500
#: Block collections that may be nested more deeply; NUL is half a character in UTF-16.
_MANY_LEVELS = re.compile(rb"^[ \t?:\x00-]{%d}" % (MAX_LEVELS // 2), re.MULTILINE)

#: A node of PyYAML, which has no type hints.
Node = Any


def parse(content: bytes) -> Node:
    """Return the node of a document; None if it is empty, invalid or nested deeply."""
    try:
        if is_too_deep(content):
            return None
        return yaml.compose(content, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return None


def is_too_deep(content: bytes) -> bool:
    """Return whether a document has more than MAX_LEVELS levels.

    Raises:
        YAMLError: It is invalid, if it has to be parsed for that.
    """
    brackets = content.count(b"[") + content.count(b"{")
    if brackets < MAX_LEVELS // 2 and not _MANY_LEVELS.search(content):
        return False
    depth = 0
    for event in yaml.parse(content, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_LEVELS:
            return True
    return False


def items(node: Node) -> list[Node]:
    """Return the items of a list; empty for any other node."""
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def fields(node: Node, depth: int = _DEPTH) -> Mapping[str, Node]:
    """Return the values of a mapping by their keys; empty for any other node."""
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
    """Return the text of a scalar; empty for null and any other node."""
    if not isinstance(node, yaml.ScalarNode) or node.tag.endswith(":null"):
        return ""
    return str(node.value)


def is_plain(node: Node) -> bool:
    """Return whether a node is a scalar of one of YAML's own types."""
    return isinstance(node, yaml.ScalarNode) and node.tag.startswith("tag:yaml.org,")


def load(node: Node) -> Any:
    """Return the value of a plain scalar; its text if it isn't valid for its type."""
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError):
        return node.value


def line(node: Node) -> int:
    """Return the line where a node begins, counted from 1."""
    return int(node.start_mark.line) + 1


def line_of(root: Node, place: Sequence[str | int]) -> int:
    """Return the line of the innermost node of a place that exists."""
    node, number = root, 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            pairs = [pair for pair in node.value if pair[0].value == part]
            if not pairs:
                break
            number, node = line(pairs[0][0]), pairs[0][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            if part >= len(node.value):
                break
            node = node.value[part]
            number = line(node)
        else:
            break
    return number


def scalar(value: str) -> Node:
    """Make a node from a text."""
    return yaml.ScalarNode("tag:yaml.org,2002:str", value)
