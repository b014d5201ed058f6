"""Retention limits of a service's output."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.domain.duration import MAX_DAYS

#: Maximum for a limit of deployments or of MiB of output: PostgreSQL's numbers of
#: bytes end at 8 EiB.
MAX_KEPT = 1_000_000_000


class Keep(BaseModel):
    """Retention limits of the output; a limit that isn't set doesn't apply."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    days: Annotated[int | None, Field(ge=1, le=MAX_DAYS)] = None
    deployments: Annotated[
        int | None,
        Field(ge=1, le=MAX_KEPT, description="Output of the newest N deployments."),
    ] = None
    mebibytes: Annotated[
        int | None,
        Field(ge=1, le=MAX_KEPT, description="Of all journals of the service."),
    ] = None
