"""A git repository as the source of a project: its URL, and what may be run of it."""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from urllib.parse import SplitResult, urlsplit

BRANCHES = "refs/heads/"
TAGS = "refs/tags/"
_SCHEMES = ("https", "http", "ssh", "git", "file")
_TRANSPORT = re.compile(r"[A-Za-z0-9+.-]*::")
_SCP = re.compile(
    r"[^\s@:/-][^\s@:/]*@(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s@:/]+):(?P<path>.+)"
)
#: The name of a user in a URL that is in fact an access token.
_TOKEN = re.compile(r"gh[a-z]_|github_pat_|glpat-|x-token-|.{40}", re.IGNORECASE)
_ACCEPTED = (
    "https://, http://, ssh://, git:// or file:///, user@host:path, or an absolute path"
)


@dataclass(frozen=True, slots=True)
class GitSource:
    """A repository, and the refs and signers that root allows.

    Attributes:
        url: Where it is; see `find_problem`.
        refs: Patterns of allowed branches and tags. `*` also matches a slash. `v*`
            matches branches and tags, `refs/tags/v*` tags only. Without a pattern,
            every branch and tag is allowed.
        allowed_signers: The path of an allowed signers file of OpenSSH. If it is set,
            commits must be signed by one of them.
    """

    url: str
    refs: tuple[str, ...] = ()
    allowed_signers: str = ""

    def allows(self, ref: str) -> bool:
        """Return whether the branch or tag with a full name is allowed."""
        name = short_name(ref)
        return not self.refs or any(
            fnmatchcase(ref if pattern.startswith("refs/") else name, pattern)
            for pattern in self.refs
        )

    def describe_allowed(self) -> str:
        """Return the patterns of allowed refs, for a message."""
        return ", ".join(self.refs) or "all branches and tags"


def short_name(ref: str) -> str:
    """Return the name of a branch or tag without refs/heads/ or refs/tags/."""
    return ref.removeprefix(BRANCHES).removeprefix(TAGS)


def scheme_of(url: str) -> str:
    """Return the scheme of a valid URL: ssh for `user@host:path`, file for a path."""
    if "://" in url:
        return urlsplit(url).scheme
    return "file" if url.startswith("/") else "ssh"


def find_problem(url: str) -> str:
    """Return why a URL can't be the source of a project; empty if it can."""
    if not url.strip():
        return "The URL is empty: write one."
    if not url.isprintable():
        return "The URL has a control character: remove it."
    if url.startswith("-"):
        return f"{url} begins with a hyphen, which git takes for an option: correct it."
    if _TRANSPORT.match(url):
        return (
            f"{url} names a transport, which could execute a program: use {_ACCEPTED}."
        )
    if "://" in url:
        return _problem_of_url(url)
    if url.startswith("/"):
        return ""
    found = _SCP.fullmatch(url)
    if not found:
        return f"{url} can't be the source of a project: use {_ACCEPTED}."
    return _problem_of_host(url, found["host"], found["path"])


def _problem_of_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        return f"The URL is invalid ({error}): correct it."
    if parts.scheme not in _SCHEMES:
        return f"{parts.scheme}:// is not supported: use {_ACCEPTED}."
    if parts.scheme == "file":
        path = url.removeprefix("file://")
        return "" if path.startswith("/") else f"{url} must begin with file:///."
    if _has_secret(parts):
        # The message doesn't repeat the URL.
        return (
            f"The URL for {parts.hostname} contains a password or token, which others "
            "could read: remove it, add it on the page Credentials or with `fastdeploy "
            "credential add git-token:NAME`, and name that as the credential of the "
            "project."
        )
    return _problem_of_host(url, parts.hostname or "", parts.path)


def _has_secret(parts: SplitResult) -> bool:
    if parts.password is not None:
        return True
    return _TOKEN.match(parts.username or "") is not None


def _problem_of_host(url: str, host: str, path: str) -> str:
    if not host:
        return f"{url} has no host: write one."
    # ssh would take such a host or user for an option.
    user = urlsplit(url).username or "" if "://" in url else ""
    if host.startswith("-") or user.startswith("-") or "%" in host + user:
        return f"{host} can't be a host: correct the URL."
    if path.startswith("-"):
        return f"{path} can't be a path: correct the URL."
    return ""
