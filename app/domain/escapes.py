"""Terminal escape sequences in text that a run printed."""

import re

ESCAPE = "\x1b"
#: Operating system commands and device strings, which have a text of their own.
STRINGS = re.compile(r"\x1b[\]PX^_].*?(?:\x1b\\|\x07|$)", re.DOTALL)
#: Every other sequence that isn't a colour.
NOT_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[ -/]*[0-Z\\-~]")
COLOUR = re.compile(r"\x1b\[[0-?]*m")
#: The end of a text may be the beginning of a sequence, where the text was cut.
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*)?$")


def strip(text: str) -> str:
    """Return the text without escape sequences."""
    if ESCAPE not in text:
        return text
    for pattern in (STRINGS, NOT_COLOUR, COLOUR, _UNFINISHED):
        text = pattern.sub("", text)
    return text
