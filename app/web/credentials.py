"""Credential pages: the list, one credential, and a form to add or replace it."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlencode

from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.domain.credential import Home, require_reference
from app.errors import Conflict, Invalid, InvalidFields, NotFound
from app.runner.credential_kinds import FIELDS, GIT_KINDS, PUBLIC_FIELDS, Kind
from app.usecases import credential_trial, credentials
from app.usecases.credentials import Change, CredentialView
from app.web.credential_bodies import TestRequest
from app.web.credential_fields import fields
from app.web.dependencies import actor_of, deps

KINDS = {
    Kind.SSH: "private key for SSH",
    Kind.PASSWORD: "password for SSH",
    Kind.BECOME: "password for become",
    Kind.VAULT: "password of ansible-vault; the name is the vault id",
    Kind.TOKEN: "environment variable; github-token becomes GITHUB_TOKEN",
    Kind.GIT_SSH: "key for the git repository of a project",
    Kind.GIT_TOKEN: "token for the git repository of a project",
}
HOMES = {
    Home.STORED: "encrypted in the database",
    Home.COMMAND: "printed by a command at each launch",
    Home.PLACED: "placed by root on the hosts of the runs",
    Home.ASK: "asked at each launch, never kept",
}
_DONE = {
    "added": "The credential is added.",
    "replaced": "The credential is replaced.",
    "removed": "The credential is removed.",
}


def index(request: Request) -> Response:
    """List the credentials, with the beginning of a form to add one."""
    return _index(request, 200, sent={}, problems={})


def new(request: Request) -> Response:
    """Show the form with the fields of a kind and a home, to add or replace one."""
    sent = {key: request.query_params.get(key, "") for key in ("kind", "name", "home")}
    try:
        reference, home = _chosen(sent)
    except InvalidFields as error:
        return _index(request, 422, sent=sent, problems=error.problems)
    return _form(request, 200, reference, home)


def put(request: Request, form: FormData) -> Response:
    """Add or replace a credential, or show the form with its errors."""
    texts = {key: value for key, value in form.items() if isinstance(value, str)}
    try:
        reference, home = _chosen(texts)
    except InvalidFields as error:
        return _index(request, 422, sent=texts, problems=error.problems)
    kind, _ = require_reference(reference)
    command = texts.get("command", "").replace("\r\n", "\n").split("\n")
    change = Change(
        home,
        {name: texts[name] for name in FIELDS[kind] if name in texts},
        tuple(part for part in command if part),
        texts.get("description", ""),
    )
    replace = texts.get("replace") == "true"
    store, secret_box = deps(request).store, deps(request).secret_box
    try:
        credentials.put(
            store, secret_box, actor_of(request), reference, change, replace=replace
        )
    except InvalidFields as error:
        problems = error.problems
    except Conflict as error:
        problems = {"": str(error)}
    else:
        done = "replaced" if replace else "added"
        return RedirectResponse(f"/admin/credentials/{reference}?done={done}", 303)
    return _form(request, 422, reference, home, sent=texts, problems=problems)


def show(request: Request) -> Response:
    """Show one credential, without its value."""
    done = _DONE.get(request.query_params.get("done", ""), "")
    return _page(request, _found(request), 200, done=done)


def try_on(request: Request, form: FormData) -> Response:
    """Try a credential on a host, and show the result."""
    view = _found(request)
    sent = {
        name: text.strip()
        for name, text in form.items()
        if name in TestRequest.model_fields and isinstance(text, str) and text.strip()
    }
    try:
        asked = TestRequest.model_validate(sent)
    except ValidationError:
        return _page(request, view, 422, sent=sent, problem="port: must be 1 to 65535")
    store, secret_box = deps(request).store, deps(request).secret_box
    try:
        result = credential_trial.try_on(
            store, secret_box, actor_of(request), view.credential.reference,
            asked.target(deps(request).settings.services),
        )  # fmt: skip
    except (Conflict, Invalid, NotFound) as error:
        return _page(request, view, 422, sent=sent, problem=str(error))
    return _page(request, view, 200, sent=sent, done=f"Tested: {result}.")


def remove(request: Request, form: FormData) -> Response:
    """Remove a credential, although services need it if that was confirmed."""
    reference = request.path_params["name"]
    force = form.get("force") == "true"
    credentials.remove(deps(request).store, actor_of(request), reference, force=force)
    return RedirectResponse("/admin/credentials?done=removed", 303)


def _page(
    request: Request,
    view: CredentialView,
    status_code: int,
    *,
    sent: Mapping[str, str] = MappingProxyType({}),
    done: str = "",
    problem: str = "",
) -> Response:
    one = view.credential
    listed = credentials.list_all(deps(request).store, actor_of(request))
    return deps(request).renderer.page(
        request,
        "admin/credential.html",
        status_code,
        view=view,
        homes=HOMES,
        kinds=KINDS,
        done=done,
        problem=problem,
        sent={"port": "22", **sent},
        reaches=[
            each.credential.reference
            for each in listed
            if each.credential.kind in credential_trial.BY_SSH
            and each.credential.home is Home.STORED
        ],
        needs_project=one.kind in GIT_KINDS,
        needs_host=one.kind in (*credential_trial.BY_SSH, Kind.BECOME),
        link=_link(one.kind, one.name, one.home),
    )


def _index(
    request: Request,
    status_code: int,
    *,
    sent: Mapping[str, str],
    problems: Mapping[str, str],
) -> Response:
    store, actor = deps(request).store, actor_of(request)
    missing = credentials.declared_only(store, actor)
    return deps(request).renderer.page(
        request,
        "admin/credentials.html",
        status_code,
        views=credentials.list_all(store, actor),
        missing=[
            (reference, of, _link(*require_reference(reference), Home.STORED))
            for reference, of in sorted(missing.items())
        ],
        kinds=KINDS,
        homes=HOMES,
        sent={"home": Home.STORED, **sent},
        problems=problems,
        done=_DONE.get(request.query_params.get("done", ""), ""),
    )


def _form(
    request: Request,
    status_code: int,
    reference: str,
    home: Home,
    *,
    sent: Mapping[str, str] = MappingProxyType({}),
    problems: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    kind, name = require_reference(reference)
    try:
        existing = credentials.find(deps(request).store, actor_of(request), reference)
    except NotFound:
        existing = None
    only = {Home.STORED: FIELDS[kind], Home.COMMAND: PUBLIC_FIELDS}.get(home, ())
    shown = fields(kind, problems, only=only, sent=sent)
    described = {field.name for field in shown} | {"command", "description"}
    known = existing.credential if existing else None
    return deps(request).renderer.page(
        request,
        "admin/new_credential.html",
        status_code,
        kind=kind,
        name=name,
        home=home,
        homes=HOMES,
        existing=existing,
        fields=shown,
        description=sent.get("description", known.description if known else ""),
        command=sent.get("command", "\n".join(known.command) if known else ""),
        problems=problems,
        problem="; ".join(
            f"{key}: {text}" if key else text
            for key, text in problems.items()
            if key not in described
        ),
    )


def _chosen(sent: Mapping[str, str]) -> tuple[str, Home]:
    """Return the reference and the home that a form names. Raises InvalidFields."""
    problems = {}
    if sent.get("kind") not in set(KINDS):
        problems["kind"] = "choose a kind"
    if sent.get("home") not in set(HOMES):
        problems["home"] = "choose where its value is"
    if problems:
        raise InvalidFields(problems)
    reference = f"{sent['kind']}:{sent.get('name', '').strip()}"
    try:
        require_reference(reference)
    except InvalidFields as error:
        raise InvalidFields({"name": error.problems["reference"]}) from None
    return reference, Home(sent["home"])


def _found(request: Request) -> CredentialView:
    reference = request.path_params["name"]
    try:
        require_reference(reference)
    except InvalidFields as error:
        raise NotFound(str(error)) from None
    return credentials.find(deps(request).store, actor_of(request), reference)


def _link(kind: Kind, name: str, home: Home) -> str:
    query = urlencode({"kind": kind, "name": name, "home": home})
    return f"/admin/new-credential?{query}"
