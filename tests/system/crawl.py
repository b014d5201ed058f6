"""Every answer to a GET: what is asked for comes from the route table and from links.

So a new route is asked too, without anybody having to think of it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode, urljoin, urlsplit

from tests.system.web import Answer, Web

_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_LINK = re.compile(rb"""(?:href|src|action)="([^"#]+)""")
#: Routes that may answer nothing well, and why.
SILENT = {
    "/deployments/{id:number}/commits": "no deployment ran a commit",
    "/api/v1/deployments/{id:number}/commits": "no deployment ran a commit",
    "/hosts/{name:shortest}/files/{path:path}": "no run changed a file",
    "/api/v1/hosts/{name:shortest}/files/{path:path}": "no run changed a file",
    "/api/v1/users/{name}": "there is no user",
    "/login/cli": "only a command leads there",
    "/nodes/forget": "there is no node that has gone",
    "/schedules/{id:number}": "there is no schedule",
    "/schedules/{id:number}/edit": "there is no schedule",
    "/api/v1/schedules/{id:number}": "there is no schedule",
    "/admin/notifications/{name}": "there is no channel",
    "/api/v1/channels/{name}": "there is no channel",
    "/account": "a token has no account",
    "/account/second-factor": "a token has no account",
    "/admin/webhooks/{id:number}": "there is no webhook",
    "/api/v1/webhooks/{name}": "there is no webhook",
    "/api/v1/webhooks/{name}/deliveries": "there is no webhook",
    "/projects/{name}": "there is no project",
    "/projects/{name}/changing": "there is no project",
    "/api/v1/projects/{name}": "there is no project",
    "/api/v1/projects/{name}/refs": "there is no git project",
    "/admin/credentials/{name}": "there is no credential in the database",
    "/api/v1/credentials/{name}": "there is no credential in the database",
    "/admin/new-credential": "no service needs a credential",
    "/login/provider/{provider}": "there is no login provider",
    "/login/provider/{provider}/callback": "there is no login provider",
    "/api/v1/teams/{name}": "there is no team",
}
#: They may too, unless a service has two deployments.
COMPARE = {
    "/services/{name:service}/compare", "/api/v1/services/{name:service}/compare",
}  # fmt: skip
#: More links than that, and a page invents new ones.
_MOST = 10_000


def everything(web: Web, routes: Iterable[Any]) -> list[Answer]:
    """Every answer there is: of each route as a page and as JSON, and behind each link.

    Raises AssertionError for a route that never answered well: it would hide nothing
    by showing nothing. Then `known` or a page has to lead there.
    """
    routes = [route for route in routes if "GET" in route.methods]
    things = known(web)
    answers = [
        web.get(path, accept)
        for route in routes
        for path in paths(route.path, things)
        for accept in _accepted(route.path)
    ]
    compared = comparisons(web)
    answers += [web.get(path, "text/html") for path in compared]
    answers += [web.get(f"/api/v1{path}") for path in compared]
    answers += [web.get(path) for path in timelines(web)]
    asked = {answer.path for answer in answers}
    for answer in answers:
        for link in _links(answer):
            if link not in asked:
                asked.add(link)
                # It is looked at in its turn: the list grows while it is gone through.
                answers.append(web.get(link, "text/html"))
        assert len(asked) < _MOST
    # Pages lead to what the API lists nowhere.
    answers += [
        web.get(f"/api/v1{path}")
        for route in _silent(routes, answers)
        for path in asked
        if route.path_regex.match(f"/api/v1{urlsplit(path).path}")
    ]
    silent = {route.path for route in _silent(routes, answers)}
    assert silent <= SILENT.keys() | (set() if compared else COMPARE), silent
    return answers


def _accepted(path: str) -> tuple[str, ...]:
    """Return the values of `Accept` for a route; artifacts don't depend on it."""
    if path.endswith("/artifacts/{path:path}"):
        return ("text/html",)
    return ("text/html", "application/json")


def _silent(routes: Iterable[Any], answers: Iterable[Answer]) -> list[Any]:
    """Return the routes that never answered well."""
    well = {urlsplit(answer.path).path for answer in answers if answer.status < 400}
    return [r for r in routes if not any(map(r.path_regex.match, well))]


def known(web: Web) -> list[dict[str, str]]:
    """What can be put into a route's path, as the API itself lists it."""
    things = [
        {"name": each[key]}
        for key, kind in (("name", "services"), ("name", "projects"),
                          ("reference", "credentials"), ("name", "hosts"),
                          ("name", "users"))
        for each in web.read(f"/api/v1/{kind}")
    ]  # fmt: skip
    for number in (each["id"] for each in web.read("/api/v1/deployments")):
        things.append({"id": f"{number}"})
        files = web.read(f"/api/v1/deployments/{number}/artifacts")
        things += [{"id": f"{number}", "path": each["path"]} for each in files]
    return things


def paths(template: str, things: Iterable[Mapping[str, str]]) -> list[str]:
    """The paths that a template stands for, as far as that is known; links lead on."""
    names = set(_PARAMETER.findall(template))
    return [
        _PARAMETER.sub(lambda found, of=thing: quote(of[found[1]]), template)  # type: ignore[misc] # a default binds it
        for thing in ({}, *things)
        if thing.keys() == names
    ]


def timelines(web: Web) -> list[str]:
    """The path of the timeline of each host; several projects may have its name."""
    return [
        f"/api/v1/hosts/{quote(host['name'])}/timeline?"
        + urlencode({"project": host["project"]})
        for host in web.read("/api/v1/hosts")
    ]


def comparisons(web: Web) -> list[str]:
    """The path that compares the last two deployments of each service that has two."""
    numbers: dict[str, list[int]] = {}
    for each in web.read("/api/v1/deployments"):
        numbers.setdefault(each["service"], []).append(each["id"])
    return [
        f"/services/{quote(name)}/compare?a={of[1]}&b={of[0]}"
        for name, of in numbers.items()
        if len(of) > 1
    ]


def provoke(web: Web, service: str, secret: str) -> list[Answer]:
    """What comes back for requests that hold a secret and can't be done."""
    form = {"content-type": "application/x-www-form-urlencoded"}
    json = {"content-type": "application/json"}
    bad: dict[str, object] = {"secret": [secret], "shown": 5, "gate": ""}
    answers = [
        web.post(
            "/api/v1/deployments", {"service": service, "variables": variables}, **json
        )
        for variables in (bad, bad | {"unknown": secret}, {"secret": secret * 50})
    ]
    answers += [
        web.send(
            "POST", "/api/v1/deployments", f'{{"variables": {secret}'.encode(), **json
        )
    ]
    fields = {"var.secret": secret * 50, "var.shown": "x" * 5000, "var.gate": ""}
    answers.append(
        web.send("POST", f"/services/{service}/deploy", urlencode(fields).encode(),
                 accept="text/html", **form)
    )  # fmt: skip
    login = urlencode({"name": "nobody", "password": secret}).encode()
    answers += [
        web.send("POST", "/login", login, accept="text/html", **form),
        web.send("GET", "/", authorization=f"Bearer {secret.encode().hex()}"),
        web.send("GET", "/", authorization="", cookie=f"fastdeploy={quote(secret)}"),
    ]
    return answers


def _links(answer: Answer) -> Iterator[str]:
    for found in _LINK.findall(answer.body):
        link = urljoin(answer.path, unescape(found.decode(errors="replace")))
        parts = urlsplit(link)
        if not parts.scheme and not parts.netloc:
            yield link
