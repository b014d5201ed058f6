"""The text of an artifact, as its page shows it."""

from contextlib import suppress
from pathlib import Path

import orjson

from app.domain import json_text

#: Characters of an artifact that its page shows, and of JSON that it indents.
SHOWN = 200_000
MAX_JSON = 2_000_000


def read(path: Path) -> tuple[str, bool]:
    """Return the beginning of an artifact, and whether it is cut; JSON is indented."""
    with path.open(errors="replace") as file:
        content = file.read(MAX_JSON + 1)
    if path.suffix == ".json" and len(content) <= MAX_JSON:
        with suppress(orjson.JSONDecodeError):
            content = json_text.dumps(orjson.loads(content), indent=True)
    return content[:SHOWN], len(content) > SHOWN
