"""Generate the API reference from the OpenAPI document."""

import json
from collections.abc import Iterator
from typing import Any

from app.web.app import ROUTES
from app.web.openapi import document
from tools.markdown import fields, kind, page, table

_INTRO = """\
This page is generated from the OpenAPI document, which `GET /api/v1/openapi.json`
returns and [openapi.json](openapi.json) contains. [The API](api.md) explains how to use
it."""


def openapi() -> str:
    """Return the OpenAPI document."""
    return json.dumps(document(ROUTES), indent=2) + "\n"


def routes() -> str:
    """Return the page with every route and every model of the API."""
    made = document(ROUTES)
    found = list(_operations(made))
    overview = table(
        ("request", "scope", "what it does"),
        [(f"`{name}`", of["x-permission"], of["summary"]) for name, of in found],
    )
    models = made["components"]["schemas"].items()
    return page(
        "The API, route by route",
        _INTRO,
        overview,
        *(part for name, of in found for part in _operation(name, of)),
        "## Models",
        *(part for name, of in models for part in _model(name, of)),
    )


def _operations(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in made["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path}", operation


def _operation(name: str, of: dict[str, Any]) -> Iterator[str]:
    yield f"## {name}"
    description = f"{of['description']} " if "description" in of else ""
    yield f"{of['summary']} {description}Scope: `{of['x-permission']}`."
    given = [
        (f"`{p['name']}`", p["in"], kind(p["schema"]), p["description"])
        for p in of["parameters"]
        if "description" in p
    ]
    if given:
        yield table(("parameter", "in", "type", "what it is"), given)
    if "requestBody" in of:
        yield f"Takes {_content(of['requestBody'])}."
    answers = [
        (code, answer["description"], _content(answer))
        for code, answer in of["responses"].items()
    ]
    yield table(("status", "means", "body"), answers)


def _content(of: dict[str, Any]) -> str:
    if "content" not in of:
        return ""
    ((media, content),) = of["content"].items()
    if media == "application/json":
        return kind(content["schema"])
    return f"`{media}`"


def _model(name: str, schema: dict[str, Any]) -> Iterator[str]:
    yield f"### {name}"
    yield schema.get("description", "")
    if "enum" in schema:
        yield f"One of {', '.join(f'`{value}`' for value in schema['enum'])}."
    else:
        yield fields(schema)
