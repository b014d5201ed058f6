"""Launch forms: fields from a schema, and values from what was sent."""

from typing import Any

import pytest

from app.domain.service import Service
from app.web.forms import Field, fields, values
from testing.factories import make_schema, make_service

TEXTS = {"type": "string"}
FILE = {"type": "string", "contentMediaType": "text/plain"}


def service_with(required: list[str] | None = None, **properties: Any) -> Service:
    schema = make_schema(**properties) | {"required": required or []}
    return make_service(variables=schema)


def only_field(service: Service, **sent: str) -> Field:
    (field,) = fields(service, sent, {})
    return field


@pytest.mark.parametrize(
    ("schema", "kind", "value"),
    [
        ({}, "text", ""),
        ({"type": "string", "default": "main"}, "text", "main"),
        ({"writeOnly": True, "default": "s"}, "secret-line", ""),
        ({"writeOnly": True, "maxLength": 40}, "password", ""),
        ({"writeOnly": True, "pattern": "^[a-z]+$"}, "password", ""),
        ({"writeOnly": True, "format": "uuid"}, "password", ""),
        ({"writeOnly": True, "type": "integer"}, "password", ""),
        ({"writeOnly": True, "type": "boolean"}, "password", ""),
        ({"writeOnly": True, "enum": ["a", "b"]}, "password", ""),
        ({"writeOnly": True, "format": "textarea"}, "secret-area", ""),
        ({"writeOnly": True, "contentMediaType": "application/x-pem-file",
          "maxLength": 9000}, "secret-area", ""),
        ({"writeOnly": True, "type": "array", "items": TEXTS}, "secret-area", ""),
        ({"writeOnly": True, "type": "object"}, "secret-area", ""),
        ({"type": "integer", "default": 5}, "number", "5"),
        ({"type": "number", "default": 0}, "number", "0"),
        ({"type": "boolean", "default": True}, "checkbox", "true"),
        ({"type": "boolean", "default": False}, "checkbox", "false"),
        ({"type": "boolean"}, "select", ""),
        ({"enum": ["a", "b"], "default": "b"}, "select", "b"),
        ({"type": "string", "format": "textarea"}, "area", ""),
        ({"type": "string", "contentMediaType": "text/x-yaml"}, "area", ""),
        ({"default": "one\ntwo"}, "area", "one\ntwo"),
        ({"format": "date", "default": "2026-01-31"}, "date", "2026-01-31"),
        ({"format": "uri"}, "url", ""),
        ({"format": "email"}, "email", ""),
        ({"format": "ipv4"}, "text", ""),
        ({"type": "array", "items": TEXTS, "default": ["a", "b"]}, "lines", "a\nb"),
        ({"type": "array", "items": TEXTS, "default": [" a"]}, "lines", '[" a"]'),
        ({"type": "array", "default": ["a"]}, "structure", '["a"]'),
        ({"type": "object"}, "structure", ""),
        ({"type": ["string", "null"]}, "structure", ""),
        ({"type": "object", "properties": {"a": {"writeOnly": True}}}, "secret-area",
         ""),
    ],
    ids=["any", "string", "secret", "secret-length", "secret-pattern", "secret-format",
         "secret-number", "secret-boolean", "secret-choice", "secret-long",
         "secret-file", "secret-list", "secret-object", "integer", "number", "boolean",
         "boolean-false", "boolean-without-default", "enum", "long",
         "long-of-a-type", "long-default", "date", "uri", "email", "other-format",
         "texts", "texts-with-spaces", "array", "object", "several", "secret-part"],
)  # fmt: skip
def test_a_field_fits_its_schema(schema: dict[str, Any], kind: str, value: str) -> None:
    field = only_field(service_with(a=schema))

    assert (kind, value) == (field.kind, field.value)
    assert "var.a" == field.name


def test_a_field_says_what_the_schema_says() -> None:
    field = only_field(
        service_with(
            required=["a"],
            a={
                "title": "Answer",
                "description": "To everything",
                "type": "integer",
                "minimum": 1,
                "maximum": 42,
                "examples": [7, 42],
            },
        )
    )

    assert (
        Field(
            name="var.a",
            label="Answer",
            help="To everything",
            rules="1 to 42.",
            examples=("7", "42"),
            kind="number",
            value="",
            checked=False,
            choices=(),
            unset="",
            required=True,
            minimum="1",
            maximum="42",
            step="1",
            problem="",
        )
        == field
    )


@pytest.mark.parametrize(
    ("schema", "rules", "minimum", "maximum"),
    [
        ({}, "", "", ""),
        ({"minLength": 1, "maxLength": 40}, "At most 40 characters.", "", ""),
        ({"enum": ["a"], "maxLength": 40}, "", "", ""),
        ({"type": "integer", "exclusiveMinimum": 0}, "At least 1.", "1", ""),
        ({"type": "number", "exclusiveMinimum": 0}, "More than 0.", "", ""),
        ({"type": "number", "minimum": 0.5, "maximum": 2}, "0.5 to 2.", "0.5", "2"),
        ({"type": "integer", "multipleOf": 5}, "A multiple of 5.", "", ""),
        ({"type": "object"}, "JSON or YAML.", "", ""),
        ({"type": "array", "items": TEXTS, "minItems": 1},
         "One per line, at least 1 line.", "", ""),
        ({"type": "array", "items": {"type": "string", "enum": ["x", "y"]}},
         "One per line, each one of x, y.", "", ""),
    ],
    ids=["none", "length", "choice", "above", "above-no-whole", "between", "multiple",
         "structure", "lines", "lines-of-choices"],
)  # fmt: skip
def test_a_field_says_in_words_what_is_accepted(
    schema: dict[str, Any], rules: str, minimum: str, maximum: str
) -> None:
    field = only_field(service_with(a=schema))

    assert (rules, minimum, maximum) == (field.rules, field.minimum, field.maximum)


def test_examples_of_a_secret_are_not_shown() -> None:
    field = only_field(service_with(a={"writeOnly": True, "examples": ["hunter2"]}))

    assert () == field.examples


def test_what_has_a_default_need_not_be_filled_in() -> None:
    assert not only_field(service_with(required=["a"], a={"default": "x"})).required


def test_choices_that_are_not_strings_are_shown_as_json() -> None:
    field = only_field(service_with(a={"enum": ["x", 1, True, None]}))

    assert ["x", "1", "true", "null"] == [value for value, _ in field.choices]


@pytest.mark.parametrize(
    ("schema", "required", "unset"),
    [
        ({"type": "boolean"}, [], "Not set"),
        ({"type": "boolean"}, ["a"], "Choose …"),
        ({"enum": ["x", "y"]}, [], "Not set"),
        ({"enum": ["x", "y"], "default": "y"}, [], ""),
        ({"enum": ["", "y"]}, [], ""),
        ({"type": "string"}, [], ""),
    ],
)
def test_a_choice_without_a_default_begins_unset(
    schema: dict[str, Any], required: list[str], unset: str
) -> None:
    assert unset == only_field(service_with(required, a=schema)).unset


def test_a_boolean_without_default_has_three_states() -> None:
    service = service_with(a={"type": "boolean"})

    field = only_field(service, a="false")

    assert ("false", "Not set") == (field.value, field.unset)
    assert (("true", "yes"), ("false", "no")) == field.choices
    assert {} == values(service, {"var.a": ""})
    assert {"a": "false"} == values(service, {"var.a": "false"})


def test_a_document_can_be_a_file_instead_of_a_text() -> None:
    field = only_field(service_with(["a"], a=FILE))

    assert ("area", "file.a") == (field.kind, field.file)
    # A browser would require the text even if there is a file.
    assert not field.required
    assert "" == only_field(service_with(a={"format": "textarea"})).file


def test_what_was_sent_is_shown_again_with_its_problem() -> None:
    service = service_with(a={"type": "integer", "default": 5})

    (field,) = fields(service, {"a": "many"}, {"a": "is no number"})

    assert ("many", "is no number") == (field.value, field.problem)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "writeOnly": True},
        {"type": "object", "properties": {"key": {"writeOnly": True}}},
    ],
    ids=["itself", "a-part-of-it"],
)
def test_a_secret_is_never_shown_again(schema: dict[str, Any]) -> None:
    service = service_with(a=schema)

    (field,) = fields(service, {"a": "hunter2"}, {"a": "too short"})

    assert "hunter2" not in repr(field)


def test_a_box_that_was_unchecked_stays_so() -> None:
    service = service_with(a={"type": "boolean", "default": True})

    assert only_field(service).checked
    assert not only_field(service, a="false").checked


@pytest.mark.parametrize(
    ("schema", "form", "expected"),
    [
        ({}, {"var.a": "x"}, {"a": "x"}),
        ({}, {"var.a": ""}, {}),
        ({"default": "x"}, {"var.a": ""}, {"a": ""}),
        ({"type": "string", "writeOnly": True, "default": "x"}, {"var.a": ""}, {}),
        ({"type": "integer", "default": 5}, {"var.a": ""}, {}),
        ({"format": "date", "default": "2026-01-31"}, {"var.a": ""}, {}),
        ({"type": "array", "items": TEXTS, "default": ["x"]}, {"var.a": ""},
         {"a": ""}),
        ({"format": "textarea"}, {"var.a": "one\r\ntwo"}, {"a": "one\ntwo"}),
        ({"enum": ["", "b"]}, {"var.a": ""}, {"a": ""}),
        ({"enum": ["a", "b"]}, {"var.a": ""}, {}),
        ({"type": "boolean", "default": True}, {}, {"a": "false"}),
        ({"type": "boolean", "default": False}, {"var.a": "true"}, {"a": "true"}),
        ({"type": "boolean"}, {}, {}),
        ({"type": "boolean"}, {"var.a": "true"}, {"a": "true"}),
        ({"writeOnly": True}, {"var.a": "a\r\nb\r\n"}, {"a": "a\nb\n"}),
        (FILE, {"var.a": "x", "file.a": "a\r\nb"}, {"a": "a\r\nb"}),
        (FILE, {"var.a": "a\r\nb", "file.a": ""}, {"a": "a\nb"}),
        (FILE | {"writeOnly": True}, {"var.a": "", "file.a": "x"}, {"a": "x"}),
        ({}, {"file.a": "x"}, {}),
        ({}, {"csrf_token": "x", "a": "y"}, {}),
        ({}, {"var.ansible_connection": "x"}, {"ansible_connection": "x"}),
    ],
    ids=["text", "empty-text", "emptied-default", "empty-secret", "empty-number",
         "empty-date", "emptied-list", "lines",
         "empty-choice", "no-choice", "unchecked", "checked",
         "untouched", "chosen", "lines-of-a-secret", "file", "no-file", "secret-file",
         "file-of-a-line", "other-field", "unknown"],
)  # fmt: skip
def test_values_are_what_was_filled_in(
    schema: dict[str, Any], form: dict[str, str], expected: dict[str, str]
) -> None:
    assert expected == values(service_with(a=schema), form)
