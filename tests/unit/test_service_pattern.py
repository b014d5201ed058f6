"""Patterns of service names."""

import pytest

from app.domain.service_pattern import parse_pattern, patterns_of
from app.errors import InvalidFields

PATTERNS = {
    "hello": {"*", "hello", "hello/*"},
    "shop/web": {"*", "shop/*", "shop/web"},
    "shop/web@live": {
        "*", "*@live", "shop/*", "shop/*@live", "shop/web", "shop/web@live",
    },
}  # fmt: skip


@pytest.mark.parametrize("name", PATTERNS)
def test_these_patterns_match_a_service(name: str) -> None:
    assert PATTERNS[name] == patterns_of(name)


@pytest.mark.parametrize("pattern", sorted(set().union(*PATTERNS.values())))
def test_a_pattern_can_be_typed(pattern: str) -> None:
    assert pattern == parse_pattern(f" {pattern} ")


@pytest.mark.parametrize(
    "text",
    ["", "**", "shop/", "/web", "*/web", "sh*", "shop/w*", "*@", "shop@live",
     "shop/web@*", "Shop/web", "shop/web@live\n@x", "shop/web/x", "%", "shop_%/*"],
)  # fmt: skip
def test_anything_else_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(InvalidFields, match="PROJECT/SERVICE@ENVIRONMENT"):
        parse_pattern(text)
