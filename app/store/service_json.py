"""Parse the definitions of services that the tables store as JSON."""

import json
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Table, Text, cast

from app.domain.service import Service

#: The number of definitions that are kept: those of the deployments of a service are
#: mostly equal, and the pages read them every few seconds.
_KEPT = 500
#: Longer ones, in characters, aren't kept, so that they don't fill the memory.
_LONGEST = 20_000


def columns(table: Table) -> list[ColumnElement[Any]]:
    """Return the columns of a table, but `config` as text, which `parse` takes."""
    return [
        cast(column, Text).label("config") if column.name == "config" else column
        for column in table.c
    ]


def parse(config: str) -> Service:
    """Return the definition in a text; equal texts may give the same object.

    Nobody may change it; it is frozen except for the JSON in it.
    """
    return _kept(config) if len(config) <= _LONGEST else _parse(config)


def _parse(config: str) -> Service:
    return Service.model_validate(json.loads(config))


_kept = lru_cache(_KEPT)(_parse)
