"""The key `speed` of a service: what FastDeploy may choose to make its runs faster."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.runner import speed_settings
from app.runner.options import MAX_FORKS


class Speed(BaseModel):
    """What FastDeploy may choose to make runs faster; ansible.cfg comes first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pipelining: Annotated[
        bool,
        Field(description="Whether modules may be sent to hosts without copying them."),
    ] = True
    forks: Annotated[
        Annotated[int, Field(strict=True, ge=1, le=MAX_FORKS)] | Literal[False] | None,
        Field(
            description="Hosts to work on at the same time. By default, FastDeploy "
            "chooses a number that suits the node; false: Ansible's default."
        ),
    ] = None
    gathering: Annotated[
        Literal["implicit", "smart"] | None,
        Field(
            description="With smart, a run gathers the facts of a host once, also if "
            "several plays would."
        ),
    ] = None
    fact_cache: Annotated[
        Annotated[str, Field(pattern=speed_settings.AGE)] | Literal[False],
        Field(
            description="How long later runs may use the facts that a run gathered, "
            "such as `1h`; at most `7d`. Sets `gathering` to smart."
        ),
    ] = False


#: A service without the key.
DEFAULT_SPEED = Speed()


def _require_valid(value: Any) -> Any:
    if isinstance(value, Speed):
        return value
    if problem := speed_settings.find_problem(value):
        raise ValueError(problem)
    return value


SpeedKey = Annotated[
    Speed | Literal[False],
    Field(
        description="What FastDeploy may choose to make runs faster; false: nothing."
    ),
    BeforeValidator(_require_valid),
]
