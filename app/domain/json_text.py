"""JSON as text, for whatever JSON has been read: writing it never fails."""

import json

import orjson

#: What stands in place of a value that is nested too deeply for both writers.
TOO_DEEP = '"(nested too deeply to be shown)"'


def dumps(value: object, *, indent: bool = False, sort_keys: bool = False) -> str:
    """Return a JSON value as text.

    orjson reads 1,024 levels and writes 254; what is deeper is written by the standard
    library, as far as its recursion goes, and without `indent`: that would be long.
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
