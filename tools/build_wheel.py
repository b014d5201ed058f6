"""Complete the wheel: hatchling calls this hook when it builds a distribution.

The built frontend and documentation, which git ignores, are added as `artifacts` in
pyproject.toml. The templates are outside of the package `app`.
"""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_MANIFEST = Path("app", "web", "static", ".vite", "manifest.json")


class WheelHook(BuildHookInterface):  # type: ignore[misc] # hatchling isn't installed
    """Adds the templates to a wheel, and requires the built frontend."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Prepare a build. An editable installation uses the working tree as it is."""
        if version != "standard":
            return
        root = Path(self.root)
        if not (root / _MANIFEST).is_file():
            raise RuntimeError(
                "the frontend isn't built; run `./justw frontend`, then build again"
            )
        build_data["force_include"][str(root / "templates")] = "app/web/templates"
