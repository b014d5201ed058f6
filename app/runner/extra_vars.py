"""Write extra variables as JSON values that Ansible doesn't evaluate as templates.

Ansible reads a file of extra variables with its own JSON decoder. It decodes an object
`{"__ansible_unsafe": text}` as the text and evaluates no template in it. Otherwise,
every user who may set a variable could run code: `{{ lookup('pipe', …) }}`. The YAML
tag `!unsafe` doesn't work: ansible-core 2.19 resolves the type of a scalar with this
tag again, so that the text 1.10 becomes a number.
"""

import json
from collections.abc import Mapping
from typing import Any

#: The prefix of keys with a meaning for Ansible's JSON decoder; `unsafe`, `vault` or
#: `type` follows.
RESERVED = "__ansible_"
#: Levels of lists and objects. Ansible decodes about 200 before Python's limit.
MAX_DEPTH = 100


def dumps(variables: Mapping[str, Any]) -> str:
    """Return the content of a file of extra variables.

    Raises:
        ValueError: Ansible would change a value. The message says why, without the
            value.
    """
    if problem := find_problem(variables):
        raise ValueError(problem)
    # If its JSON decoder rejects a file, Ansible parses it as YAML, where
    # __ansible_unsafe has no meaning: templates would be evaluated. YAML allows no tab
    # here.
    return "\t" + json.dumps(_mark(variables))


def find_problem(value: Any) -> str:
    """Return why Ansible would change or reject a JSON value; empty if it wouldn't."""
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"has more than {MAX_DEPTH} levels of lists and objects"
        match item:
            case str() if not is_utf_8(item):
                return "has a character that UTF-8 can't hold: half a surrogate pair"
            case Mapping():
                reserved = next((key for key in item if key.startswith(RESERVED)), None)
                if reserved is not None:
                    name = json.dumps(reserved)
                    return f"has the key {name}, which Ansible reserves: rename it"
                # Keys are texts too, one level above their values.
                pending.extend((key, depth) for key in item)
                pending.extend((part, depth + 1) for part in item.values())
            case list():
                pending.extend((part, depth + 1) for part in item)
    return ""


def is_utf_8(text: str) -> bool:
    """Return whether a text can be encoded: JSON can have lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mark(value: Any) -> Any:
    """Return the value with each text in the form that Ansible doesn't evaluate."""
    match value:
        case str():
            return {"__ansible_unsafe": value}
        case Mapping():
            return {key: _mark(item) for key, item in value.items()}
        case list():
            return [_mark(item) for item in value]
        case _:
            return value
