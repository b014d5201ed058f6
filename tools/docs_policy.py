"""A Sphinx extension: make the built documentation obey FastDeploy's own policy.

FastDeploy serves it below /docs with the same Content-Security-Policy as its pages:
`default-src 'self'`. So inline scripts, inline styles and images in data: URLs become
files. What the policy would block or load from elsewhere fails the build.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

_STATIC = "_static"
#: The file with the rules of what were attributes `style`.
_RULES = "attributes.css"

_SCRIPT = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_ATTRIBUTE = re.compile(r'(<[a-zA-Z][^<>]*?)\sstyle="([^"<>]*)"')
_IMAGE = re.compile(
    r"""url\((["'])data:image/svg\+xml;charset=utf-8,(.*?)\1\)""", re.DOTALL
)
#: What the policy blocks, or what another server would have to be asked for.
_REFUSED = (
    re.compile(r"<script(?![^<>]*\ssrc=)[^<>]*>"),
    re.compile(r"<style"),
    re.compile(r"<(?:iframe|object|embed|base)\b"),
    re.compile(r'<[a-zA-Z][^<>]*\s(?:style|on[a-z]+)="[^"<>]*"'),
    re.compile(r'<(?:script|img)\b[^<>]*\ssrc="(?:[a-z]+:)?//[^"<>]*"'),
    re.compile(
        r'<link\b[^<>]*\srel="(?:stylesheet|prefetch|icon)"[^<>]*\shref="(?:[a-z]+:)?//'
    ),
    re.compile(r'(?:src|href)="(?:javascript|data):'),
)
_REFUSED_IN_STYLES = re.compile(
    r"""url\(\s*["']?(?:data:|[a-z]+:)?//|url\(\s*["']?data:|@import"""
)


class NotAllowed(Exception):
    """A built file contains what the policy would block."""


def setup(app: Any) -> dict[str, Any]:  # Sphinx has types, but isn't always installed
    """Register the extension."""
    app.connect("build-finished", _on_finished)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _on_finished(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        obey(Path(app.outdir))


def obey(folder: Path) -> None:
    """Rewrite the files of a built site. Raises NotAllowed."""
    static = folder / _STATIC
    static.mkdir(exist_ok=True)
    keep = _Files(static)
    for path in static.rglob("*.css"):
        path.write_text(_without_data(path.read_text(), path.parent, static, keep))
    for path in _pages(folder):
        root = "../" * (len(path.relative_to(folder).parts) - 1)
        path.write_text(rewrite(path.read_text(), f"{root}{_STATIC}", keep))
    keep.write_rules()
    for path in _pages(folder):
        for refused in _REFUSED:
            if found := refused.search(path.read_text()):
                raise NotAllowed(f"{path}: {found[0][:200]}")
    for path in static.rglob("*.css"):
        if found := _REFUSED_IN_STYLES.search(path.read_text()):
            raise NotAllowed(f"{path}: {found[0][:200]}")


def rewrite(page: str, static: str, keep: Callable[[str, str], str]) -> str:
    """Return a page whose inline scripts and styles are files.

    Args:
        page: The page.
        static: The relative URL of the folder for the files.
        keep: Writes a content with a suffix, and returns the name of its file.
    """
    page = _SCRIPT.sub(
        lambda found: f'<script src="{static}/{keep(found[1], ".js")}"></script>', page
    )
    page = _STYLE.sub(
        lambda found: (
            f'<link rel="stylesheet" href="{static}/{keep(found[1], ".css")}">'
        ),
        page,
    )
    page = _ATTRIBUTE.sub(
        lambda found: f'{found[1]} data-style="{keep(found[2], "")}"', page
    )
    rules = f'<link rel="stylesheet" href="{static}/{_RULES}">'
    return page.replace("</head>", f"{rules}\n</head>", 1)


class _Files:
    """Writes contents to files whose names are their hashes."""

    def __init__(self, static: Path) -> None:
        self._static = static
        self._rules: dict[str, str] = {}

    def __call__(self, content: str, suffix: str) -> str:
        """Write a content; without a suffix, it is the value of a `style`."""
        name = hashlib.sha256(content.encode()).hexdigest()[:16]
        if not suffix:
            self._rules[name] = content
            return name
        (self._static / f"inline-{name}{suffix}").write_text(content)
        return f"inline-{name}{suffix}"

    def write_rules(self) -> None:
        """Write the rules of the attributes."""
        rules = (f'[data-style="{name}"] {{ {self._rules[name]} }}\n'
                 for name in sorted(self._rules))  # fmt: skip
        (self._static / _RULES).write_text("".join(rules))


def _without_data(
    styles: str, beside: Path, static: Path, keep: Callable[[str, str], str]
) -> str:
    up = "../" * len(beside.relative_to(static).parts)
    return _IMAGE.sub(
        lambda found: f"url({up}{keep(unquote(found[2]), '.svg')})", styles
    )


def _pages(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*.html"))
