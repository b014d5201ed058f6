"""The OpenAPI document is valid and describes the route table."""

import re

import jsonschema
from starlette.routing import Route

from app.domain.deployment import Origin, Status
from app.web import api_parameters, query
from app.web.app import ROUTES
from app.web.openapi import document

API = [route for route in ROUTES if route.operation is not None]


def test_the_routes_below_api_are_those_that_declare_an_operation() -> None:
    below = [route for route in ROUTES if route.path.startswith("/api/v1/")]

    assert [route.path for route in below] == [route.path for route in API]


def test_each_operation_has_the_permission_of_its_route_and_its_own_name() -> None:
    operations = {
        (method.upper(), path): operation
        for path, item in document(ROUTES)["paths"].items()
        for method, operation in item.items()
    }
    names = {operation["operationId"] for operation in operations.values()}

    assert {(route.method, route.path_format): route.permission for route in API} == {
        key: operation["x-permission"] for key, operation in operations.items()
    }
    assert len(operations) == len(names)


def test_the_document_leaves_out_routes_without_an_operation() -> None:
    page = Route("/page", lambda _: None)

    assert {} == document([page])["paths"]


def test_the_document_has_the_schemas_that_it_refers_to_and_the_related_ones() -> None:
    made = document(ROUTES)
    models = made["components"]["schemas"]
    related = {
        model.__name__ for route in API if route.operation
        for model in route.operation.related
    }  # fmt: skip

    for model in models.values():
        jsonschema.Draft202012Validator.check_schema(model)
    references = {reference.rpartition("/")[2] for reference in _references(made)}
    assert set(models) == references | related


def test_the_docstring_below_a_field_describes_it() -> None:
    models = document(ROUTES)["components"]["schemas"]

    progress = models["DeploymentBody"]["properties"]["progress"]
    assert progress["description"].startswith("0 to 1")


def test_the_deployment_list_of_the_api_accepts_the_parameters_of_its_page() -> None:
    declared = [parameter.name for parameter in api_parameters.DEPLOYMENTS]

    assert [*query.DEPLOYMENTS] == declared


def test_parameters_have_schemas() -> None:
    paths = document(ROUTES)["paths"]
    listed, launch, one = (
        {parameter["name"]: parameter["schema"] for parameter in item["parameters"]}
        for item in (
            paths["/api/v1/deployments"]["get"],
            paths["/api/v1/deployments"]["post"],
            paths["/api/v1/deployments/{id}"]["get"],
        )
    )

    assert [*Status] == listed["status"]["enum"]
    assert [*Origin] == listed["origin"]["enum"]
    date_time, date, relative, empty = listed["since"]["anyOf"]
    formats = [{"format": "date-time"}, {"format": "date"}, {"maxLength": 0}]
    assert formats == [date_time, date, empty]
    assert re.search(relative["pattern"], "yesterday 14:00")
    assert listed["since"] == listed["until"]
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
