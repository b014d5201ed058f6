"""The condition that an id is among those of a parameter."""

from sqlalchemy import BigInteger, ColumnElement, bindparam, func
from sqlalchemy.dialects.postgresql import ARRAY


def among(column: ColumnElement[int], parameter: str = "ids") -> ColumnElement[bool]:
    """Return the condition that a column is in a parameter, a list of ids.

    The query is the same for any number of ids, so SQLAlchemy, psycopg and PostgreSQL
    prepare it once. With `in_`, each number of ids makes another one.
    """
    return column == func.any(bindparam(parameter, type_=ARRAY(BigInteger)))
