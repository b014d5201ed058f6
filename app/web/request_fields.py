"""Types of fields that use cases check; the OpenAPI document declares the same rules.

The use cases check them for the pages too, and their errors name the field.
"""

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from app.domain import account_names, service_pattern, webhook
from app.domain.access import INCLUDED, Permission
from app.domain.duration import MAX_DAYS
from app.usecases import passwords


def _as_integer(value: object) -> object:
    """Return 7 for 7.0, which is an integer of JSON Schema."""
    whole = isinstance(value, float) and value.is_integer()
    return int(value) if whole else value  # type: ignore[call-overload] # a float


AccountName = Annotated[str, Field(json_schema_extra={"pattern": account_names.NAME})]
TokenName = Annotated[
    str, Field(json_schema_extra={"pattern": account_names.TOKEN_NAME})
]
WebhookName = Annotated[str, Field(json_schema_extra={"pattern": f"^{webhook.NAME}$"})]
Password = Annotated[
    SecretStr,
    Field(
        json_schema_extra={
            "minLength": passwords.MIN_LENGTH,
            "maxLength": passwords.MAX_LENGTH,
        }
    ),
]
#: A permission that a grant can give.
GrantedPermission = Annotated[
    Permission, Field(json_schema_extra={"enum": list(INCLUDED)})
]
#: Services, such as `shop/*@staging`.
ServicePattern = Annotated[
    str, Field(json_schema_extra={"pattern": f"^(?:{service_pattern.PATTERN})$"})
]
Days = Annotated[
    int | None,
    Field(ge=1, le=MAX_DAYS, strict=True, description="The token expires after them."),
    BeforeValidator(_as_integer),
]
