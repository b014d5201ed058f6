"""The OpenAPI document says what the route table says, and is one."""

import jsonschema
from starlette.routing import Route

from app.domain.deployment import Origin, Status
from app.web.app import ROUTES
from app.web.openapi import OPERATIONS, document, is_api, key_of

API = [route for route in ROUTES if isinstance(route, Route) and is_api(route)]
METHODS = ("get", "post", "put", "patch", "delete")


def test_every_route_of_the_api_is_described_and_nothing_else() -> None:
    routed = {key_of(route) for route in API}
    described = {
        (method.upper(), path)
        for path, item in document(ROUTES)["paths"].items()
        for method in item
    }

    assert routed == set(OPERATIONS), "say in OPERATIONS what the route takes and gives"
    assert routed == described


def test_each_operation_says_its_permission_and_has_a_name_of_its_own() -> None:
    paths = document(ROUTES)["paths"]
    said = {
        (method.upper(), path): item[method]["x-permission"]
        for path, item in paths.items()
        for method in item
    }
    names = [item[method]["operationId"] for item in paths.values() for method in item]

    assert {
        key_of(route): route.permission  # type: ignore[attr-defined] # set by the guard
        for route in API
    } == said
    assert len(names) == len(set(names))


def test_the_document_refers_to_schemas_that_it_has_and_has_no_others() -> None:
    made = document(ROUTES)
    models = made["components"]["schemas"]
    referred = set(_references(made))

    for model in models.values():
        jsonschema.Draft202012Validator.check_schema(model)
    # The events of the stream, which OpenAPI can't refer to from an event stream.
    assert set(models) == {r.rpartition("/")[2] for r in referred} | {"EventBody"}


def test_what_stands_below_a_field_describes_it() -> None:
    models = document(ROUTES)["components"]["schemas"]

    progress = models["DeploymentBody"]["properties"]["progress"]
    assert progress["description"].startswith("0 to 1")


def test_parameters_say_what_they_accept() -> None:
    paths = document(ROUTES)["paths"]
    listed, launch, one = (
        {parameter["name"]: parameter["schema"] for parameter in item["parameters"]}
        for item in (
            paths["/api/deployments"]["get"],
            paths["/api/deployments"]["post"],
            paths["/api/deployments/{id}"]["get"],
        )
    )

    assert [*Status] == listed["status"]["enum"]
    assert [*Origin] == listed["origin"]["enum"]
    assert "date-time" == listed["since"]["format"] == listed["until"]["format"]
    assert (0, 2**31 - 1) == (listed["before"]["minimum"], listed["before"]["maximum"])
    assert 200 == launch["Idempotency-Key"]["maxLength"]
    assert ("integer", "int64") == (one["id"]["type"], one["id"]["format"])


def _references(part: object) -> list[str]:
    if isinstance(part, list):
        return [found for item in part for found in _references(item)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for item in part.values() for found in _references(item)]
