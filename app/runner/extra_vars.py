"""Extra variables: JSON values that arrive in Ansible as they are, never as templates.

Ansible reads a file of extra variables with its own JSON decoder. An object
`{"__ansible_unsafe": text}` is the text, and no template in it is evaluated. Without
it, everybody who may set a variable could run code: `{{ lookup('pipe', …) }}`. The YAML
tag `!unsafe` is no alternative: ansible-core 2.19 resolves a scalar that has it once
more, so that the text 1.10 becomes a number.
"""

import json
from collections.abc import Mapping
from typing import Any

#: Keys of objects that Ansible's JSON decoder takes for something else: this prefix
#: and `unsafe`, `vault` or `type`.
RESERVED = "__ansible_"
#: Levels of lists and objects. Ansible decodes about 200 before Python's limit.
MAX_DEPTH = 100


def dumps(variables: Mapping[str, Any]) -> str:
    """Return the content of a file of extra variables.

    Raises ValueError, which says what can't arrive as it is, and never the value.
    """
    if problem := find_problem(variables):
        raise ValueError(problem)
    # If its JSON decoder refuses a file, Ansible reads it as YAML, which knows nothing
    # of __ansible_unsafe: templates would be evaluated. YAML allows no tab here.
    return "\t" + json.dumps(_mark(variables))


def find_problem(value: Any) -> str:
    """Return why a JSON value can't arrive in Ansible as it is; empty if it can."""
    pending: list[tuple[Any, int]] = [(value, 0)]
    while pending:
        item, depth = pending.pop()
        if depth > MAX_DEPTH:
            return f"has more than {MAX_DEPTH} levels of lists and objects"
        match item:
            case str() if not _is_utf_8(item):
                return "has a character that UTF-8 can't hold: half a surrogate pair"
            case Mapping():
                reserved = next((key for key in item if key.startswith(RESERVED)), None)
                if reserved is not None:
                    name = json.dumps(reserved)
                    return f"has the key {name}, which Ansible reserves: rename it"
                # Keys are texts too, but one level above what they name.
                pending.extend((key, depth) for key in item)
                pending.extend((part, depth + 1) for part in item.values())
            case list():
                pending.extend((part, depth + 1) for part in item)
    return ""


def _is_utf_8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _mark(value: Any) -> Any:
    """Return the value with each text in the form that Ansible keeps as it is."""
    match value:
        case str():
            return {"__ansible_unsafe": value}
        case Mapping():
            return {key: _mark(item) for key, item in value.items()}
        case list():
            return [_mark(item) for item in value]
        case _:
            return value
