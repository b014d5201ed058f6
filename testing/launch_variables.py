"""Services with launch variables, and the problems of given values."""

from typing import Any

import pytest

from app.domain.service import Service
from app.domain.variables import (
    check,
)
from app.errors import InvalidVariables
from testing.factories import make_schema, make_service


def service_with(**properties: Any) -> Service:
    """Return a service with these launch variables."""
    return make_service(variables=make_schema(**properties))


def problems_of(service: Service, **given: Any) -> dict[str, str]:
    """Return what is refused of the given values, by the variable."""
    with pytest.raises(InvalidVariables) as caught:
        check(service, given)
    return caught.value.problems
