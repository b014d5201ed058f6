"""The registration of a service: the user that runs it and the rights of its runs."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

#: The name of a Unix account or group.
ACCOUNT = r"^[a-z_][a-z0-9_-]{0,31}$"


class Registration(BaseModel):
    """Root's decisions about a service's runs, enforced by sudo and nftables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    run_as: Annotated[
        str,
        Field(
            pattern=ACCOUNT,
            description="The user that runs it, in place of FASTDEPLOY_RUN_AS.",
        ),
    ]
    become: Annotated[
        Literal["none", "full"], Field(description="Whether it may become root.")
    ] = "none"
    run_group: Annotated[
        str,
        Field(
            pattern=f"{ACCOUNT}|^$",
            description="The group that may read its runs' config files, in place of "
            "FASTDEPLOY_RUN_GROUP; one for each user, so that none reads another's.",
        ),
    ] = ""
    egress: Annotated[
        Literal["closed", "open"] | tuple[str, ...],
        Field(description="What it may reach: host:port, if it is a list."),
    ] = "closed"
