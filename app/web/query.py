"""Validate query parameters: the ones that a route accepts, and numbers.

`app/web/app.py` names the parameters of each route. The guard rejects all others, so a
misspelled filter is an error and not a longer list.
"""

import re
from collections.abc import Collection
from dataclasses import fields

from starlette.datastructures import QueryParams

from app.errors import InvalidFields
from app.store.history import Filter

#: Filters of a list of deployments, and of the list on a service's page.
FILTERS = tuple(field.name for field in fields(Filter))
DEPLOYMENTS = (*FILTERS, "before")
OF_A_SERVICE = tuple(name for name in DEPLOYMENTS if name != "service")
SEARCH = ("text", "host", "result", "step", "after")
AUDIT = ("actor", "action", "before")

#: The maximum values of PostgreSQL's integer types.
SMALLINT, INTEGER, BIGINT = 2**15 - 1, 2**31 - 1, 2**63 - 1

#: The maximum number of a page in lists with numbered pages.
LAST_PAGE = 10_000


def require_known(query: QueryParams, accepted: Collection[str]) -> None:
    """Raise InvalidFields for a parameter that isn't accepted, or that is repeated."""
    known = ", ".join(accepted)
    takes = f"valid parameters: {known}" if known else "this URL takes no parameters"
    problems = {
        name: f"unknown parameter; {takes}" for name in query if name not in accepted
    }
    problems |= {
        name: "is given more than once"
        for name in accepted
        if len(query.getlist(name)) > 1
    }
    if problems:
        raise InvalidFields(problems)


def require_numbers(query: QueryParams, names: Collection[str]) -> None:
    """Raise InvalidFields for an integer that is empty.

    Forms of pages send empty fields; a program leaves the parameter out.
    """
    problem = "is empty: give a whole number, or leave the parameter out"
    if empty := {name: problem for name in names if query.get(name) == ""}:
        raise InvalidFields(empty)


def number(query: QueryParams, name: str, *, most: int = INTEGER) -> int | None:
    """Parse the integer in a parameter; None if it is missing or empty.

    Args:
        query: The query parameters.
        name: The name of the parameter.
        most: The maximum, in the range of the column that the number is compared with.

    Raises:
        InvalidFields: The value isn't an integer from 0 to `most`.
    """
    text = query.get(name)
    if not text:
        return None
    # Limit the digits too: Python raises ValueError for thousands of them.
    if not re.fullmatch("[0-9]{1,19}", text) or int(text) > most:
        raise InvalidFields({name: f"must be a whole number from 0 to {most}"})
    return int(text)
