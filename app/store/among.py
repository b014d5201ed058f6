"""The condition that an id is among those of a parameter."""

from typing import TypeVar

from sqlalchemy import ColumnElement, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY

Id = TypeVar("Id", int, str)


def among(column: ColumnElement[Id], parameter: str = "ids") -> ColumnElement[bool]:
    """Return the condition that a column is in a parameter, a list of ids.

    The query is the same for any number of ids, so SQLAlchemy, psycopg and PostgreSQL
    prepare it once. With `in_`, each number of ids makes another one.
    """
    return column == func.any(bindparam(parameter, type_=ARRAY(column.type)))
