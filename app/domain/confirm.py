"""The key `confirm` of a service and of an environment."""

from typing import Annotated

from pydantic import Field

ConfirmKey = Annotated[
    bool,
    Field(
        strict=True,
        description="Whether each launch has to be confirmed, after a summary of what "
        "it does. Schedules and webhooks count as confirmed.",
    ),
]
