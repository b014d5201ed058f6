"""The version of a deployment, and the variable that contains it."""

from typing import Any

import pytest

from app.domain.version import version_of
from testing.factories import make_schema, make_service


@pytest.mark.parametrize(
    ("properties", "variables", "version"),
    [
        ({"version": {}}, {"version": "1.2.3"}, "1.2.3"),
        ({"version": {}, "site_version": {}}, {"version": 2, "site_version": 3}, "2"),
        ({"site_version": {}, "name": {}}, {"site_version": "v1"}, "v1"),
        ({"site_version": {}, "db_version": {}}, {"site_version": "v1"}, ""),
        ({"version": {}}, {}, ""),
        ({"version": {}}, {"version": None}, ""),
        ({"version": {"writeOnly": True}}, {"version": "secret"}, ""),
        ({"conversion": {}}, {"conversion": "x"}, ""),
        ({}, {"version": "of another schema"}, ""),
    ],
)
def test_a_version_is_the_variable_that_says_so(
    properties: dict[str, Any], variables: dict[str, Any], version: str
) -> None:
    service = make_service(variables=make_schema(**properties))

    assert version == version_of(service.variables, variables)
