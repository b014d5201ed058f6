"""The key `file_history` of a service: which files FastDeploy keeps the versions of."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from app.runner import file_history_settings


class FileHistory(BaseModel):
    """Which files FastDeploy keeps the versions of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exclude: Annotated[
        tuple[str, ...],
        Field(
            description="Patterns of paths of which no version is kept, such as "
            "`/etc/secret/*`; `*` matches slashes, too."
        ),
    ] = ()


def _require_valid(value: Any) -> Any:
    if isinstance(value, FileHistory):
        return value
    if problem := file_history_settings.find_problem(value):
        raise ValueError(problem)
    return value


FileHistoryKey = Annotated[
    FileHistory | Literal[True, False],
    Field(
        description="Whether FastDeploy keeps the versions of the files that its runs "
        "change on hosts; for that, it runs Ansible in diff mode."
    ),
    BeforeValidator(_require_valid),
]


def settings_of(
    key: FileHistory | Literal[True, False],
) -> file_history_settings.FileHistorySettings:
    """Return what the value of a service says."""
    value = key.model_dump() if isinstance(key, FileHistory) else key
    return file_history_settings.parse(value)
