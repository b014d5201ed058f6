"""The query parameters and headers of the API, for the OpenAPI document."""

from typing import Any

from app.domain.audit import Action
from app.domain.deployment import Origin, Status
from app.domain.export_format import Format
from app.domain.time_text import RELATIVE
from app.web import paging, query
from app.web.operation import Parameter

_TEXT: dict[str, Any] = {"type": "string"}
#: A time, a date for its beginning, or nothing for no limit.
TIME: dict[str, Any] = {
    "type": "string",
    "anyOf": [
        {"format": "date-time"}, {"format": "date"}, {"pattern": RELATIVE},
        {"maxLength": 0},
    ],
}  # fmt: skip
#: What the first of several parameters says about times.
TIME_FORMS = (
    "ISO 8601, in UTC unless it has an offset, or such as `14:00`, `yesterday`, "
    "`yesterday 14:00`, `2d` or `2 days ago`"
)
_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": query.INTEGER}
#: A filter that can only be switched on.
ONLY_TRUE = {"type": "string", "enum": ["true"]}

AFTER = Parameter(
    "after",
    "Only events after this number. The header Last-Event-ID has the same effect.",
    _NUMBER,
)
FORMAT = Parameter(
    "format",
    "`navigator` (the default): a playbook artifact for `ansible-navigator replay`; "
    "`ara`: the objects and fields of ARA's API.",
    {"type": "string", "enum": list(Format)},
)
FOLLOW = Parameter(
    "follow",
    "With 1, the response continues with what the run prints, until it has ended.",
    {"type": "integer", "minimum": 0, "maximum": 1},
)
OFFSET = Parameter(
    "offset",
    "Leave out that number of bytes, to continue an interrupted request.",
    {"type": "integer", "minimum": 0, "maximum": query.BIGINT},
)
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "Makes the request idempotent: a repeated request with the same key returns the "
    "first deployment. A request with this key and another path or body is rejected "
    "(422). Each user and token has its own keys.",
    {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[ -~]*$"},
    "header",
)
REF = Parameter(
    "ref",
    "A branch, tag or commit of the project's repository; by default, its default "
    "branch.",
    _TEXT,
)
_LIMIT = Parameter(
    "limit",
    f"The number of elements on a page; {paging.LIMIT} by default. The header Link has "
    "the URL of the next page.",
    {"type": "integer", "minimum": 1, "maximum": paging.LIMIT},
)
#: The paging of lists that are sorted by name, and of those that are sorted by id.
PAGE_BY_NAME = (
    _LIMIT,
    Parameter("after", "Only elements after this name, for the next page.", _TEXT),
)
PAGE_BY_ID = (
    _LIMIT,
    Parameter(
        "after",
        "Only elements with a higher id, for the next page.",
        {"type": "integer", "minimum": 0, "maximum": query.BIGINT},
    ),
)
PAGE = Parameter(
    "page",
    "The number of the page, counted from 1.",
    {"type": "integer", "minimum": 0, "maximum": query.LAST_PAGE},
)
PREFIX = Parameter(
    "prefix", "Only refs whose name, short or full, begins with this text.", _TEXT
)
SCOPE = Parameter("scope", "Only keys of this project or service.", _TEXT)
#: The filters of the deployment list, and its paging.
DEPLOYMENTS = (
    Parameter("service", "Only deployments of this service.", _TEXT),
    Parameter(
        "status",
        "Only deployments with this status.",
        {"type": "string", "enum": list(Status)},
    ),
    Parameter(
        "actor", "Only deployments that this user, token or account launched.", _TEXT
    ),
    Parameter(
        "origin",
        "Only deployments launched this way.",
        {"type": "string", "enum": list(Origin)},
    ),
    Parameter(
        "since",
        f"Only deployments launched at this time or later: {TIME_FORMS}.",
        TIME,
    ),
    Parameter("until", "Only deployments launched before this time.", TIME),
    Parameter(
        "text",
        "Only deployments with this text in their reason or variables. One request "
        "searches 2,500 deployments.",
        _TEXT,
    ),
    Parameter(
        "outside",
        "With true, only deployments that found a file edited outside FastDeploy.",
        ONLY_TRUE,
    ),
    Parameter(
        "before", "Only deployments with a lower id, for the next page.", _NUMBER
    ),
)
FORCE = Parameter(
    "force",
    "Remove it although services need it.",
    {"type": "string", "enum": ["true", "false"]},
)
CONFIRM = Parameter(
    "confirm",
    "Confirms the launch of a service that asks for it; without it, such a launch is "
    "rejected (422).",
    {"type": "string", "enum": ["true", "false"]},
)
BEFORE_DELIVERY = Parameter(
    "before", "Only deliveries with a lower id, for the next page.", _NUMBER
)
CHANNEL = Parameter("channel", "Only messages to this channel.", _TEXT)
#: The filters of the audit log, and its paging.
AUDIT = (
    Parameter("actor", "Only entries of this user, token or account.", _TEXT),
    Parameter(
        "action",
        "Only entries of this action.",
        {"type": "string", "enum": list(Action)},
    ),
    Parameter("before", "Only entries with a lower id, for the next page.", _NUMBER),
)
AFTER_PLACE = Parameter(
    "after",
    "Only entries behind this place in the chain, for the next page.",
    {"type": "integer", "minimum": 0, "maximum": query.BIGINT},
)
#: The filter of the list of schedules, and its paging.
SCHEDULES = (
    Parameter(
        "text", "Only schedules with this text in their or their service's name.", _TEXT
    ),
    PAGE,
)
