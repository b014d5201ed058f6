"""The built frontend: names with a hash from Vite's manifest, and the files."""

import json
from dataclasses import dataclass
from pathlib import Path

STATIC = Path(__file__).parent / "static"
_ENTRY = "src/main.ts"


@dataclass(frozen=True, slots=True)
class Assets:
    """What a page loads; both are empty where the frontend isn't built."""

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()


def load_assets(static: Path = STATIC) -> Assets:
    """Read Vite's manifest. Without one, pages come without script and style."""
    try:
        manifest = json.loads((static / ".vite" / "manifest.json").read_text())
    except FileNotFoundError:
        return Assets()
    entry = manifest[_ENTRY]
    return Assets(
        scripts=(f"/static/{entry['file']}",),
        styles=tuple(f"/static/{name}" for name in entry.get("css", ())),
    )
