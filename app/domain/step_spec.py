"""The steps that a service declares."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator


class StepSpec(BaseModel):
    """A step that a service declares; it is pending until the run reports it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=200)]

    @field_validator("name")
    @classmethod
    def _storable(cls, value: str) -> str:
        if "\0" in value:
            raise ValueError("must not contain the character NUL")
        return value


def require_distinct(steps: tuple[StepSpec, ...]) -> tuple[StepSpec, ...]:
    """Return the steps of a service. Raises ValueError if two have one name."""
    names = [step.name for step in steps]
    if len(names) != len(set(names)):
        raise ValueError("must name each step once")
    return steps


#: The key `steps` of a service.
DeclaredSteps = Annotated[
    tuple[StepSpec, ...], Field(max_length=200), AfterValidator(require_distinct)
]
