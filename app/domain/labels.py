"""The labels of a service, by which the overview can be filtered."""

from typing import Annotated

from pydantic import AfterValidator, Field

#: A label: letters, digits, and some signs inside, such as `team:web` or `tier/1`.
LABEL = "^[A-Za-z0-9](?:[A-Za-z0-9._:/-]{0,38}[A-Za-z0-9])?$"


def _require_distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    if len(labels) != len(set(labels)):
        raise ValueError("must name each label once")
    return labels


#: The key `labels` of a service.
Labels = Annotated[
    tuple[Annotated[str, Field(pattern=LABEL)], ...],
    Field(
        max_length=20,
        description="Labels such as `team:web`, by which the overview can be filtered "
        "and grouped.",
    ),
    AfterValidator(_require_distinct),
]
