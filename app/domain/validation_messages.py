"""Word the errors of pydantic, which mention Python's types and terms."""

import re
from typing import Any

from app.domain.approval import COMMENT
from app.domain.labels import LABEL
from app.domain.service_name import NAME, PART
from app.runner.environment import NAME as VARIABLE

#: Sentences by the type of an error; the fields are those of its context.
_SENTENCES = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "extra_forbidden": "is not a known key; correct or remove it",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "missing": "is required",
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have {min_length} or more characters",
    "string_type": "must be a text",
    "too_long": "must have at most {max_length} items",
    "too_short": "must have {min_length} or more items",
}
_LISTS = frozenset({"frozen_set_type", "list_type", "set_type", "tuple_type"})
_OBJECTS = frozenset({"dict_type", "mapping_type", "model_attributes_type",
                      "model_type"})  # fmt: skip
_PART = "must be lower case letters, digits, - and _"
#: Descriptions of patterns.
_PATTERNS = {
    NAME: "must be the name of a service: lower case letters, digits, - and _",
    f"^{PART}$": _PART,
    f"^(?:{PART})?$": _PART,
    COMMENT: "must be one line without control characters",
    LABEL: "must be a label such as team:web",
    VARIABLE: "must be letters, digits and _, and begin with no digit",
}
_SUBJECT = re.compile(r"^(?:[A-Z]\w*|JSON) should (?:have|be) ")


def sentence(problem: Any) -> str:  # pydantic's ErrorDetails is a bare TypedDict
    """Return what is wrong with a value, to follow the name of its key."""
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**context)
    if kind == "json_invalid" and not problem["input"]:
        return "the request has no body: send a JSON object"
    if kind in _LISTS:
        return "must be a list"
    if kind in _OBJECTS:
        return "must be an object"
    if kind in {"enum", "literal_error"}:
        return "must be " + str(context["expected"]).replace("'", '"')
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], "is not in the accepted form")
    message = str(problem["msg"]).removeprefix("Value error, ")
    return _SUBJECT.sub("must be ", message)
