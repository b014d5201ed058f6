"""The pages and the API of a repository at its provider."""

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from app.domain.webhook import Provider

_SCP = re.compile(r"[^@/]+@(?P<host>[^:/]+):(?P<path>.+)")
_APIS = {Provider.GITHUB: "api/v3", Provider.GITLAB: "api/v4", Provider.GITEA: "api/v1"}
_PAGES = {
    Provider.GITHUB: "commit",
    Provider.GITLAB: "-/commit",
    Provider.GITEA: "commit",
    Provider.BITBUCKET: "commits",
}
#: The providers that show the status of a commit.
WITH_STATUS = frozenset(_APIS)


@dataclass(frozen=True, slots=True)
class Location:
    """Where a repository is: its host, and its path there."""

    #: With the port of HTTPS; empty for a folder.
    host: str
    path: str


def locate(url: str) -> Location:
    """Return where the repository with a URL of git is."""
    found = _SCP.fullmatch(url)
    if found and "://" not in url:
        return Location(found["host"], _path(found["path"]))
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme in ("http", "https") and parts.port:
        host = f"{host}:{parts.port}"
    return Location(host, _path(parts.path))


def commit_page(provider: Provider, url: str, commit: str) -> str:
    """Return the URL of the page of a commit; empty if the provider has none."""
    at = locate(url)
    if not at.host or provider not in _PAGES:
        return ""
    scheme = "http" if url.startswith("http://") else "https"
    return f"{scheme}://{at.host}/{quote(at.path)}/{_PAGES[provider]}/{commit}"


def status_url(provider: Provider, url: str, commit: str, api: str) -> str:
    """Return the URL at which the status of a commit is set; empty if unknown.

    `api` is the base URL of the provider's API; empty: the usual one of the host.
    """
    at = locate(url)
    base = api.rstrip("/") or _usual_api(provider, at.host)
    if not base:
        return ""
    if provider is Provider.GITLAB:
        return f"{base}/projects/{quote(at.path, safe='')}/statuses/{commit}"
    owner_and_name = "/".join(at.path.split("/")[-2:])
    return f"{base}/repos/{quote(owner_and_name)}/statuses/{commit}"


def _usual_api(provider: Provider, host: str) -> str:
    if not host or provider not in _APIS:
        return ""
    if provider is Provider.GITHUB and host == "github.com":
        return "https://api.github.com"
    return f"https://{host}/{_APIS[provider]}"


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git")
