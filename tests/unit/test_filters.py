"""Filters of a history: what an address means, and the address of what is meant."""

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.datastructures import QueryParams

from app.domain.deployment import Origin, Status
from app.errors import InvalidFields
from app.store.history import ANY, Filter
from app.web import filters


def read(query: str) -> filters.HistoryFilter:
    return filters.read(QueryParams(query))


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("", ANY),
        ("status=&actor=&before=7&x=y", ANY),
        ("status=failed", Filter(status=Status.FAILED)),
        ("service=a&actor=b", Filter(service="a", actor="b")),
        ("origin=api", Filter(origin=Origin.API)),
        ("since=2026-05-04", Filter(since=datetime(2026, 5, 4, tzinfo=UTC))),
        (
            "until=2026-05-04T13:37",
            Filter(until=datetime(2026, 5, 4, 13, 37, tzinfo=UTC)),
        ),
        (
            "until=2026-05-04T13:37:00%2B02:00",
            Filter(until=datetime(2026, 5, 4, 11, 37, tzinfo=UTC)),
        ),
        # Times that PostgreSQL or Python can't calculate with.
        ("until=0001-01-01", Filter(until=datetime(1970, 1, 1, tzinfo=UTC))),
        (
            "until=9999-12-31T23:59:59-14:00",
            Filter(until=datetime(9998, 12, 31, tzinfo=UTC)),
        ),
        ("text=%20a%25", Filter(text=" a%")),
    ],
)
def test_an_address_says_which_deployments_are_wanted(
    query: str, wanted: Filter
) -> None:
    asked = read(query)

    assert wanted == asked.wanted
    assert {} == asked.problems


@pytest.mark.parametrize(
    "query",
    ["status=nonsense", "origin=moon", "since=soon", "since=%00"],
)  # fmt: skip
def test_what_makes_no_sense_is_said_beside_its_name(query: str) -> None:
    name = query.partition("=")[0]

    asked = read(f"actor=ada&{query}")

    assert Filter(actor="ada") == asked.wanted
    assert [name] == list(asked.problems)
    with pytest.raises(InvalidFields, match=rf"^{name}: must be "):
        filters.require_valid(QueryParams(query))


def test_a_link_has_what_was_typed_and_nothing_that_is_empty() -> None:
    asked = read("actor=a%26b&status=&text=%25+%C3%B6")

    assert asked.untidy
    assert "/x?actor=a%26b&text=%25+%C3%B6&before=7" == asked.link("/x", before=7)
    again = urlsplit(asked.link("/x"))
    assert {"actor": ["a&b"], "text": ["% ö"]} == parse_qs(again.query)
    assert not read(again.query).untidy
    assert "/x" == read("").link("/x")


def test_a_time_is_shown_as_a_field_for_it_takes_it() -> None:
    asked = read("since=2026-05-04T13:37:59%2B02:00")

    assert "2026-05-04T11:37" == asked.time("since")
    assert not asked.time("until")
