"""Schemas that were found valid are not validated again."""

import pytest

from app.domain import variable_schema


@pytest.mark.parametrize(
    ("valid", "invalid"),
    [
        ({"minimum": 1}, {"minimum": "1"}),
        ({"minimum": float("nan")}, {"minimum": None}),
        ({"minLength": 1}, {"minLength": True}),
        ({"$ref": "#/$defs/a", "$defs": {"a": {}}}, {"$ref": "#/$defs/a"}),
    ],
)
def test_a_valid_schema_does_not_make_a_similar_one_valid(
    valid: dict[str, object], invalid: dict[str, object]
) -> None:
    for _ in range(2):
        variable_schema.require_valid(valid)

        with pytest.raises(ValueError, match=r"JSON Schema|refer"):
            variable_schema.require_valid(invalid)


def test_a_schema_that_was_valid_is_refused_after_it_has_changed() -> None:
    schema: dict[str, object] = {"properties": {"name": {"type": "string"}}}
    variable_schema.require_valid(schema)

    schema["properties"] = {"name": {"type": "text"}}

    with pytest.raises(ValueError, match="is not a JSON Schema: properties/name"):
        variable_schema.require_valid(schema)
