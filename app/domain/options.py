"""The options of ansible-playbook: what a service allows, and what a launch sets."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from app.domain import field_docstrings, validation_messages
from app.errors import Invalid, InvalidFields
from app.runner import options as rules

OptionName = Literal["check", "diff", "limit", "tags", "skip_tags", "start_at_task",
                     "forks", "verbosity"]  # fmt: skip
#: The options with which a run leaves out tasks or hosts.
_SELECT = ("limit", "tags", "skip_tags", "start_at_task")
#: The types of options whose rules a JSON Schema can describe in part.
_Text = Annotated[str, Field(json_schema_extra={"maxLength": rules.MAX_TEXT})]
_Tags = Annotated[list[str], Field(json_schema_extra={"maxItems": rules.MAX_TAGS})]
_Forks = Annotated[
    int | None, Field(json_schema_extra={"minimum": 1, "maximum": rules.MAX_FORKS})
]
_Verbosity = Annotated[
    int, Field(json_schema_extra={"minimum": 0, "maximum": rules.MAX_VERBOSITY})
]


class Options(BaseModel):
    """Options of ansible-playbook; an option with its default is not passed."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        json_schema_extra=field_docstrings.describe,
    )

    check: bool = False
    """Report what would change, without changing it."""
    diff: bool = False
    """Show the differences in files and templates that change."""
    limit: _Text = ""
    """A host pattern: run on these hosts only. A file (`@name`) is refused."""
    tags: _Tags = []
    """Run only the tasks with one of these tags."""
    skip_tags: _Tags = []
    """Leave out the tasks with one of these tags."""
    start_at_task: _Text = ""
    """Start at the task with this name, or the first that matches this glob."""
    forks: _Forks = None
    """The number of hosts to work on at the same time."""
    verbosity: _Verbosity = 0
    """How often to pass `-v`."""

    @field_validator("*")
    @classmethod
    def _allowed(cls, value: Any, info: ValidationInfo) -> Any:
        assert info.field_name is not None
        if problem := rules.find_problem(info.field_name, value):
            raise ValueError(problem)
        return value

    @property
    def given(self) -> dict[str, Any]:
        """The options that differ from ansible-playbook's defaults, by name."""
        return self.model_dump(exclude_defaults=True)

    @property
    def arguments(self) -> list[str]:
        """The arguments of ansible-playbook."""
        return rules.arguments(self.given)

    @property
    def selection(self) -> list[str]:
        """The arguments that select hosts and tasks."""
        return rules.arguments({name: getattr(self, name) for name in _SELECT})

    @property
    def remembered(self) -> "Options":
        """The options for a person's next launch.

        Those that leave out hosts or tasks aren't among them, so that no run is partial
        unless somebody asks for it.
        """
        return self.model_copy(
            update={name: _DEFAULTS[name] for name in ("check", *_SELECT)}
        )


#: A launch that sets no option.
NO_OPTIONS = Options()
_DEFAULTS = NO_OPTIONS.model_dump()


def from_texts(texts: Mapping[str, str]) -> Options:
    """Return the options that a form or the command line sets, by name.

    Tags are separated by commas; an empty text is ansible-playbook's default.

    Raises:
        InvalidFields: A value is invalid; it has the problems by option.
    """
    values = {name: _value(name, text.strip()) for name, text in texts.items()}
    try:
        return Options.model_validate(values)
    except ValidationError as error:
        raise InvalidFields(
            {
                str(problem["loc"][0]): validation_messages.sentence(problem)
                for problem in error.errors()
            }
        ) from None


def as_texts(options: Options) -> dict[str, str]:
    """Return each option as `from_texts` reads it."""
    return {name: _as_text(getattr(options, name)) for name in Options.model_fields}


def _value(name: str, text: str) -> object:
    default = Options.model_fields[name].default if name in Options.model_fields else ""
    match default:
        case bool():
            return text == "true"
        case list():
            return [tag.strip() for tag in text.split(",") if tag.strip()]
        case str():
            return text
        case _ if text:
            with suppress(ValueError):
                return int(text)
            return text
    return default


def _as_text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else ""
        case list():
            return ",".join(map(str, value))
    return str(value) if value else ""


def choose(
    allowed: tuple[str, ...], defaults: Options, asked: Options, file: str
) -> Options:
    """Return the options of a launch: what was asked for, over a service's defaults.

    Args:
        allowed: The names of the options that a launch of the service may set.
        defaults: The options of every launch.
        asked: The options of the request. Those that it leaves out have the defaults.
        file: The file that defines the service.

    Raises:
        Invalid: The request sets an option that the service doesn't allow.
    """
    for name in sorted(asked.model_fields_set - set(allowed)):
        if getattr(asked, name) != getattr(defaults, name):
            may = ", ".join(allowed) or "none"
            raise Invalid(
                f"this service does not allow the option {name} (it allows {may}); "
                f'name it under "options" in its {file}'
            )
    return defaults.model_copy(
        update={name: getattr(asked, name) for name in asked.model_fields_set}
    )


def is_partial(options: Options, defaults: Options) -> bool:
    """Return whether a run with these options does less than the service's usual runs.

    That is a check, and a run that other hosts or tasks are selected for than by the
    defaults. It doesn't show the state of the service.
    """
    return options.check or any(
        getattr(options, name) != getattr(defaults, name) for name in _SELECT
    )
