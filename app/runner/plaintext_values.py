"""Find the secret values in a text that Ansible has decrypted."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from . import yaml_nodes
from .secret_values import MIN_LENGTH

_VALUELESS = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:null")
#: `NAME=value` in a line, as in files of variables and in inventories.
_ASSIGNED = re.compile(r"""[\w.-]+[ ]?=[ ]?("[^"]*"|'[^']*'|\S+)""")
_WHOLE_LINE = re.compile(r"\s*(?:export )?[\w.-]+\s*=\s*(.*\S)")
#: What is readable in a file that isn't text.
_READABLE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\ud800-\udfff]{{{2 * MIN_LENGTH},}}")


def secret_values(content: bytes) -> list[str]:
    """Return the secret values in a text that Ansible has decrypted.

    Of YAML and JSON with lists or mappings, they are the texts and numbers in it; of
    lines such as `NAME=value` the values too; of a binary file what is readable.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode(errors="surrogateescape")
        return [text, *_READABLE.findall(text)]
    root = yaml_nodes.parse(content)
    if isinstance(root, yaml.CollectionNode):
        found = list(_leaves(root))
        # One line, such as `user:password`, can be one secret, too.
        return found if "\n" in text.strip() else [text, *found]
    return [text, *_assigned(text)]


def _leaves(root: Any) -> Iterator[str]:
    """Yield the texts and numbers in a YAML node, of each alias once."""
    pending, seen = [root], set()
    while pending:
        node = pending.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            pending += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value
        elif node.tag not in _VALUELESS:
            yield str(node.value)


def _assigned(text: str) -> Iterator[str]:
    """Yield the values in lines of variables that are long enough to be masked."""
    for line in text.splitlines():
        whole = _WHOLE_LINE.fullmatch(line)
        values = [*([whole[1]] if whole else []), *_ASSIGNED.findall(line)]
        bare = (value.strip("\"'") for value in values)
        yield from (value for value in bare if len(value) >= MIN_LENGTH)
