"""Find a key that an object in a JSON text has twice: parsers ignore the first one."""

import json
import re

#: Strings, which are keys if a colon follows, and where objects begin and end. A quote
#: that begins no string is matched, too, so that the rest isn't searched for each.
_TOKEN = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")[ \t\n\r]*+(:?)|[{}"]', re.DOTALL)


def repeated_key(content: bytes) -> str | None:
    """Return a key that an object has twice; None if there is none.

    The content needn't be valid. Other threads can run meanwhile, unlike with the
    parser of the standard library.
    """
    objects: list[set[str]] = [set()]
    for token in _TOKEN.finditer(content.decode(errors="replace")):
        string, colon = token[1], token[2]
        if colon:
            key = _decoded(string)
            if key in objects[-1]:
                return key
            objects[-1].add(key)
        elif string is None:
            sign = token[0]
            if sign == "{":
                objects.append(set())
            elif sign == '"' or len(objects) == 1:
                return None
            else:
                objects.pop()
    return None


def _decoded(string: str) -> str:
    """Return the text of a string with its quotes; without escapes if it is invalid."""
    if "\\" in string:
        try:
            return str(json.loads(string))
        except ValueError:
            pass
    return string[1:-1]
