"""Which URLs and refs a git source accepts."""

import pytest

from app.runner.git_source import GitSource, find_problem

ACCEPTED = (
    "https://git.example.org/infra.git",
    "https://user@git.example.org/infra.git",
    "http://127.0.0.1:8080/infra",
    "ssh://git@git.example.org:2222/infra.git",
    "git://git.example.org/infra",
    "file:///srv/infra",
    "git@git.example.org:team/infra.git",
    "git@[2001:db8::1]:infra.git",
    "/srv/git/infra",
    "/srv/git/infra with a space",
)

REFUSED = {
    "": "empty",
    "  ": "empty",
    "ext::sh -c touch% /tmp/x": "names a transport",
    "file::/srv/infra": "names a transport",
    "fd::17": "names a transport",
    "--upload-pack=touch /tmp/x": "begins with a hyphen",
    "-oProxyCommand=x@host:path": "begins with a hyphen",
    "https://git.example.org/a\nb": "control character",
    "https://git.example.org/\x1b[2J": "control character",
    "https://user:secret@git.example.org/infra": "password or token",
    "https://ghp_secret@git.example.org/infra": "password or token",
    "ssh://git:secret@git.example.org/infra": "password or token",
    "https:///infra": "has no host",
    "https://git.example.org:port/infra": "invalid",
    "https://[broken/infra": "invalid",
    "ssh://-oProxyCommand=x/infra": "can't be a host",
    "ssh://%2DoProxyCommand=x/infra": "can't be a host",
    "git@-oProxyCommand=x:infra": "can't be a host",
    "git@git.example.org:-x": "can't be a path",
    "ftp://git.example.org/infra": "is not supported",
    "file://host/srv/infra": "must begin with file:///",
    "infra": "can't be the source",
    "../infra": "can't be the source",
    "~/infra": "can't be the source",
    "C:\\infra": "can't be the source",
}


@pytest.mark.parametrize("url", ACCEPTED)
def test_these_urls_are_accepted(url: str) -> None:
    assert "" == find_problem(url)


@pytest.mark.parametrize(("url", "reason"), REFUSED.items(), ids=map(ascii, REFUSED))
def test_these_urls_are_refused(url: str, reason: str) -> None:
    problem = find_problem(url)

    assert reason in problem
    assert "secret" not in problem


@pytest.mark.parametrize(
    ("patterns", "ref", "allowed"),
    [
        ((), "refs/heads/main", True),
        (("main",), "refs/heads/main", True),
        (("main",), "refs/heads/mainline", False),
        (("v*",), "refs/heads/v1", True),
        (("refs/tags/v*",), "refs/heads/v1", False),
        (("refs/tags/v*",), "refs/tags/v1", True),
        (("main", "release/*"), "refs/heads/release/1/fix", True),
        (("main", "release/*"), "refs/heads/release", False),
    ],
)
def test_patterns_allow_branches_and_tags(
    patterns: tuple[str, ...], ref: str, *, allowed: bool
) -> None:
    assert allowed == GitSource("/srv/infra", patterns).allows(ref)
