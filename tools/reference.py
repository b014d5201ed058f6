"""Write docs/reference from the code: the settings, and the schema of config.json."""

import json
from pathlib import Path

from app.domain.service import Service
from app.settings import PREFIX, Settings

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def service_schema() -> str:
    """The JSON Schema of config.json."""
    return json.dumps(Service.model_json_schema(), indent=2) + "\n"


def settings() -> str:
    """A table of the settings, each with its default."""
    rows = [
        f"| `{PREFIX}{name.upper()}` | {field.description} | {_default(name)} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(
        (
            "# Settings",
            "",
            (
                "Read once, from the environment. A value that can't be used is "
                "refused with the variable's name, and is not repeated."
            ),
            "",
            "| variable | what it is | default |",
            "|---|---|---|",
            *rows,
            "",
        )
    )


def _default(name: str) -> str:
    if name == "database_url":
        return (
            "`fastdeploy up`: a PostgreSQL of its own; else `postgresql:///fastdeploy`"
        )
    if name == "secret_key":
        return "kept in `<VAR>/secret-key`, made at the first start"
    if name == "runners":
        return "`runners` in the home of RUN_AS"
    if name == "node":
        return "the host's name"
    value = Settings.model_fields[name].default
    return f"`{value}`" if value != "" else "empty"


if __name__ == "__main__":
    (REFERENCE / "service.schema.json").write_text(service_schema())
    (REFERENCE / "settings.md").write_text(settings())
