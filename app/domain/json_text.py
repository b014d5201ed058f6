"""Serialize any parsed JSON value without failing."""

import json

import orjson

#: Replaces a value that is nested too deeply for both libraries.
TOO_DEEP = '"(nested too deeply to be shown)"'


def dumps(value: object, *, indent: bool = False, sort_keys: bool = False) -> str:
    """Return a JSON value as text.

    orjson parses 1,024 levels and serializes 254. The standard library serializes
    deeper values up to its recursion limit, without `indent` to keep them short.
    """
    option = orjson.OPT_INDENT_2 if indent else 0
    option |= orjson.OPT_SORT_KEYS if sort_keys else 0
    try:
        return orjson.dumps(value, option=option).decode()
    except TypeError:
        pass
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=sort_keys)
        return text.encode(errors="replace").decode()
    except (RecursionError, ValueError):
        return TOO_DEEP
