"""Take screenshots of every page with the tests that open every page.

All of them are in var/screenshots, with a page that shows them side by side. Those that
docs/ shows are compressed and written to docs/pictures.
"""

import base64
import html
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from testing.browser import chromium

ROOT = Path(__file__).parents[1]
ALL = ROOT / "var" / "screenshots"
DOCS = ROOT / "docs" / "pictures"
#: The screenshots that docs/ shows.
SHOWN = (
    "overview-light", "deployment-running-light", "deployment-failed-light",
    "results-light", "doctor-light", "schedule-light",
    "webhook-light", "notifications-light",
)  # fmt: skip
LOOKS = ("light", "dark", "narrow")

_STYLE = """
body { font: 1rem/1.5 system-ui; margin: 2rem; background: #e8eaef; }
div { display: grid; grid-template-columns: 5fr 5fr 2fr; gap: 1rem; }
div { align-items: start; }
img { max-width: 100%; box-shadow: 0 1px 4px #0004; }
"""
#: Chromium can encode WebP, which is a third of the size of PNG.
_TO_WEBP = """async (data) => {
    const image = new Image();
    image.src = "data:image/png;base64," + data;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas.toDataURL("image/webp", 0.8).split(",")[1];
}"""


def main() -> int:
    """Take all screenshots; return the exit code of the tests."""
    shutil.rmtree(ALL, ignore_errors=True)
    ALL.mkdir(parents=True)
    tests = ["tests/acceptance/test_pages.py", "-k", "everybody"]
    # The path of the folder is visible in some of the screenshots.
    with tempfile.TemporaryDirectory(prefix="fastdeploy-") as folder:
        command = [sys.executable, "-m", "pytest", *tests, "--pictures", str(ALL),
                   f"--basetemp={folder}/demo"]  # fmt: skip
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
    _write_sheet()
    with chromium() as browser:
        page = browser.new_page()
        for name in SHOWN:
            _write_small(page, name)
    print(f"open {ALL.relative_to(ROOT)}/index.html")
    return code


def _write_sheet() -> None:
    pages = dict.fromkeys(p.stem.rpartition("-")[0] for p in sorted(ALL.glob("*.png")))
    parts = [
        f"<h2>{html.escape(page)}</h2><div>"
        + "".join(
            f'<img loading="lazy" alt="" src="{page}-{look}.png">' for look in LOOKS
        )
        + "</div>"
        for page in pages
    ]
    head = f"<!doctype html><title>FastDeploy</title><style>{_STYLE}</style>"
    (ALL / "index.html").write_text(head + "".join(parts))


def _write_small(page: Page, name: str) -> None:
    data = base64.b64encode((ALL / f"{name}.png").read_bytes()).decode()
    small: str = page.evaluate(_TO_WEBP, data)
    DOCS.mkdir(exist_ok=True)
    (DOCS / f"{name}.webp").write_bytes(base64.b64decode(small))


if __name__ == "__main__":
    sys.exit(main())
