"""The built frontend: the URLs of its files, from Vite's manifest."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

STATIC = Path(__file__).parent / "static"
#: The built documentation.
DOCS = Path(__file__).parent / "docs"
_ENTRY = "src/main.ts"
_ICONS = "src/icons/"

#: The icon of each state of a deployment; other pages have the icon `default`.
ICONS = {
    "waiting-for-approval": "queued",
    "queued": "queued",
    "starting": "running",
    "running": "running",
    "successful": "successful",
    "failed": "failed",
    "canceled": "canceled",
    "timeout": "timeout",
    "unreachable": "timeout",
}


@dataclass(frozen=True, slots=True)
class Assets:
    """The URLs that a page loads; all are empty if the frontend isn't built."""

    scripts: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    #: The URL of each icon, by its name.
    icons: Mapping[str, str] = field(default_factory=dict)

    def icon(self, state: str = "") -> str:
        """Return the URL of the icon for a deployment's state."""
        return self.icons[ICONS.get(state, "default")]


def load_assets(static: Path = STATIC) -> Assets:
    """Read Vite's manifest. Without it, pages have neither scripts nor styles."""
    try:
        manifest = json.loads((static / ".vite" / "manifest.json").read_text())
    except FileNotFoundError:
        return Assets()
    entry = manifest[_ENTRY]
    return Assets(
        scripts=(f"/static/{entry['file']}",),
        styles=tuple(f"/static/{name}" for name in entry.get("css", ())),
        icons={
            Path(source).stem: f"/static/{made['file']}"
            for source, made in manifest.items()
            if source.startswith(_ICONS)
        },
    )
