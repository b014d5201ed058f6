"""Terminal escape sequences in the output of a run."""

import re

ESCAPE = "\x1b"
#: Operating system commands and device strings, which contain text.
STRINGS = re.compile(r"\x1b[\]PX^_].*?(?:\x1b\\|\x07|$)", re.DOTALL)
#: All other sequences that don't set a colour.
NOT_COLOUR = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[ -/]*[0-Z\\-~]")
COLOUR = re.compile(r"\x1b\[[0-?]*m")
#: An incomplete sequence at the end of a text that was truncated.
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*)?$")


def strip(text: str) -> str:
    """Return the text without escape sequences."""
    if ESCAPE not in text:
        return text
    for pattern in (STRINGS, NOT_COLOUR, COLOUR, _UNFINISHED):
        text = pattern.sub("", text)
    return text
