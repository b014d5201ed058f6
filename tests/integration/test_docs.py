"""`/docs`: the documentation, served as strictly as every other page."""

import re
import runpy
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette

from app.domain.access import Role
from testing.paths import ROOT
from testing.web_client import ClientFor
from tools.docs_policy import NotAllowed, obey

#: A page with everything that the policy would block.
PAGE = """<!doctype html><html><head><title>Page</title>
<style>body { --x: 1 }</style>
</head><body style="color: red"><script>
document.title = "changed";
</script><svg style="display: none;"></svg><pre>&lt;p style="x"&gt;</pre></body></html>
"""
STYLES = """a { mask: url('data:image/svg+xml;charset=utf-8,<svg xmlns="a(b)"/>') }
b { mask: url("data:image/svg+xml;charset=utf-8,%3Csvg/%3E") }
"""


@pytest.fixture
def built(web: Starlette, tmp_path: Path) -> Path:
    """A folder with a built site, which the web application serves."""
    folder = tmp_path / "site"
    (folder / "how-to").mkdir(parents=True)
    (folder / "_static" / "styles").mkdir(parents=True)
    (folder / "index.html").write_text(PAGE)
    (folder / "how-to" / "ci.html").write_text(PAGE)
    (folder / "_static" / "styles" / "furo.css").write_text(STYLES)
    (tmp_path / "secret").write_text("not for readers")
    (folder / "link").symlink_to(tmp_path / "secret")
    web.state.deps = replace(web.state.deps, docs=folder)
    return folder


def test_everything_inline_becomes_a_file_that_is_served(
    built: Path, client_for: ClientFor
) -> None:
    obey(built)
    client = client_for(Role.VIEWER)

    page = client.get("/docs/how-to/ci.html")

    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert not re.search(r"<style|<script>|<[a-z]+ style=", page.text)
    assert '<pre>&lt;p style="x"&gt;</pre>' in page.text
    urls = re.findall(r'(?:src|href)="\.\./([^"]+)"', page.text)
    found = {url: client.get(f"/docs/{url}?v=1") for url in urls}
    assert {200} == {answer.status_code for answer in found.values()}
    types = {
        answer.headers["content-type"].partition(";")[0] for answer in found.values()
    }
    assert {"text/css", "text/javascript"} == types
    contents = "".join(answer.text for answer in found.values())
    assert 'document.title = "changed"' in contents
    assert "--x: 1" in contents
    for rule in ("{ color: red }", "{ display: none; }"):
        assert rule in contents
    styles = client.get("/docs/_static/styles/furo.css").text
    images = re.findall(r"url\(\.\./([^)]+)\)", styles)
    assert ['<svg xmlns="a(b)"/>', "<svg/>"] == [
        client.get(f"/docs/_static/{image}").text for image in images
    ]


@pytest.mark.parametrize(
    "content",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<img src="//cdn.example/x.png">',
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
        '<a href="javascript:alert(1)">x</a>',
        '<button onclick="x()">x</button>',
        '<script type="module">x()</script>',
        '<iframe src="x.html"></iframe>',
    ],
)
def test_what_the_policy_would_block_fails_the_build(built: Path, content: str) -> None:
    (built / "index.html").write_text(PAGE.replace("<pre>", content + "<pre>"))

    with pytest.raises(NotAllowed, match=r"index\.html"):
        obey(built)


@pytest.mark.parametrize(
    "name", ["../secret", "link", "%2e%2e/secret", "how-to", "x\0"]
)
def test_nothing_else_is_served(built: Path, client_for: ClientFor, name: str) -> None:
    assert built.is_dir()

    answer = client_for(Role.VIEWER).get(f"/docs/{name}".replace("\0", "%00"))

    assert 404 == answer.status_code
    assert "not for readers" not in answer.text


def test_without_it_the_page_shows_how_to_build_it(
    web: Starlette, client_for: ClientFor, tmp_path: Path
) -> None:
    web.state.deps = replace(web.state.deps, docs=tmp_path / "missing")
    client = client_for(Role.VIEWER)

    assert "./justw docs" in client.get("/docs").text
    asked = client.get("/docs/how-to/ci.html")
    assert (303, "/docs") == (asked.status_code, asked.headers["location"])
    assert 303 == client_for(None).get(
        "/docs/index.html", headers={"Accept": "text/html"}
    ).status_code  # fmt: skip


def test_the_page_links_to_pages_that_there_are(
    built: Path, client_for: ClientFor
) -> None:
    assert built.is_dir()

    page = client_for(Role.VIEWER).get("/docs").text

    linked = re.findall(r'href="/docs/([^"]+)\.html"', page)
    assert len(linked) > 5
    missing = {name for name in linked if not (ROOT / "docs" / f"{name}.md").exists()}
    # Sphinx makes this one.
    assert {"search"} == missing


def test_the_site_has_the_icon_of_the_pages() -> None:
    """Otherwise a browser asks for /favicon.ico, which there isn't."""
    folder = ROOT / "docs"
    settings = runpy.run_path(str(folder / "conf.py"))

    icon = (folder / settings["html_favicon"]).resolve()

    assert "<svg" in icon.read_text()
