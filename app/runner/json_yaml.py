"""Load YAML documents whose values JSON can represent, with the line of each error.

Everybody who can write to a repository can write such a document. Its size is limited
with every alias expanded, since ten lines can expand to gigabytes.
"""

import math
from typing import Any

import yaml

from .yaml_nodes import Node, is_too_deep, line

#: Maximum number of characters with every alias expanded, punctuation included.
MAX_SIZE = 2_000_000
#: Maximum number of lists and mappings inside each other.
MAX_DEPTH = 40
_TAG = "tag:yaml.org,2002:"
_TIMESTAMP = f"{_TAG}timestamp"
_KEYS = frozenset({f"{_TAG}str", f"{_TAG}merge", f"{_TAG}value"})
_SCALARS = _KEYS | {f"{_TAG}{name}" for name in ("int", "float", "bool", "null")}
#: What a value costs besides its text.
_COST = 8


class InvalidYaml(Exception):
    """A document can't be parsed, or JSON can't represent a value in it.

    `line` is counted from 1; it is 0 if it is unknown.
    """

    def __init__(self, sentence: str, at: int = 0) -> None:
        super().__init__(sentence)
        self.line = at


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """A safe loader for which a date is a text, as in JSON."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, pattern) for tag, pattern in found if tag != _TIMESTAMP]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def load(content: bytes) -> Any:
    """Return the only document in a YAML text; None if the text is empty.

    Raises:
        InvalidYaml: It is invalid, too large, or has values that JSON doesn't have.
    """
    loader = None
    try:
        if is_too_deep(content):
            raise InvalidYaml(f"a value is nested more than {MAX_DEPTH} levels deep")
        loader = _Loader(content)
        root = loader.get_single_node()
        if root is None:
            return None
        _Measure(loader).size(root)
        return loader.construct_document(root)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "it can't be parsed"
        raise InvalidYaml(
            f"invalid YAML: {what}", mark.line + 1 if mark else 0
        ) from None
    finally:
        if loader is not None:
            loader.dispose()


class _Measure:
    """Measure the nodes of a document, each once however often it is used."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader
        #: The size and the depth of each node; None while it is being measured.
        self._known: dict[int, tuple[int, int] | None] = {}

    def size(self, node: Node, above: int = 0) -> tuple[int, int]:
        """Return the size and the depth of a node with its aliases expanded.

        Raises:
            InvalidYaml: It is too large, or JSON can't represent it.
        """
        if id(node) in self._known:
            known = self._known[id(node)]
            if known is None:
                raise InvalidYaml("a value contains itself", line(node))
        else:
            self._known[id(node)] = None
            known = self._known[id(node)] = self._measure(node, above)
        if known[0] > MAX_SIZE:
            raise InvalidYaml(
                f"with its aliases, a value has more than {MAX_SIZE} characters",
                line(node),
            )
        if above + known[1] > MAX_DEPTH:
            raise InvalidYaml(
                f"a value is nested more than {MAX_DEPTH} levels deep", line(node)
            )
        return known

    def _measure(self, node: Node, above: int) -> tuple[int, int]:
        if above > MAX_DEPTH:
            return _COST, 0
        if isinstance(node, yaml.ScalarNode):
            _require_json(self._loader, node)
            return _COST + len(node.value), 0
        parts = []
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            for key, value in node.value:
                _require_key(key)
                parts += [self.size(key, above + 1), self.size(value, above + 1)]
        elif isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            parts = [self.size(value, above + 1) for value in node.value]
        else:
            raise _unsupported(node)
        size = _COST + sum(size for size, _ in parts)
        return size, 1 + max((depth for _, depth in parts), default=0)


def _require_key(key: Node) -> None:
    if isinstance(key, yaml.ScalarNode) and key.value == "on":
        # YAML 1.1 reads it as true, but it is a key of `notify`.
        key.tag = f"{_TAG}str"
    if not isinstance(key, yaml.ScalarNode) or key.tag not in _KEYS:
        raise InvalidYaml("a key is not a text: write it in quotes", line(key))


def _require_json(loader: Any, node: Node) -> None:
    if node.tag not in _SCALARS:
        raise _unsupported(node)
    value = loader.construct_object(node) if node.tag not in _KEYS else node.value
    match value:
        case str():
            # PostgreSQL stores neither of these characters.
            if "\0" in value or any("\ud800" <= char <= "\udfff" for char in value):
                raise InvalidYaml("a text has a character that is refused", line(node))
        case bool() | None:
            pass
        case int() if abs(value) >= 2**63:
            raise InvalidYaml("a number is too large: write it in quotes", line(node))
        case float() if not math.isfinite(value):
            raise InvalidYaml(f"{node.value} is not a number in JSON", line(node))


def _unsupported(node: Node) -> InvalidYaml:
    tag = node.tag.replace(_TAG, "!!")
    return InvalidYaml(f"the tag {tag} can't be used here", line(node))
