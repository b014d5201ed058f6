"""Generate docs/reference from the code."""

import json
from collections.abc import Callable
from pathlib import Path

from pydantic import SecretStr

from app.domain import project_file, project_schema
from app.domain.service import Service
from app.settings import PREFIX, Settings
from tools.markdown import fields, page, table
from tools.reference_api import openapi, routes
from tools.reference_commands import commands
from tools.role_readme import roles

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def service_schema() -> str:
    """Return the JSON Schema of config.json."""
    return json.dumps(Service.model_json_schema(), indent=2) + "\n"


def _project_schema() -> str:
    """Return the JSON Schema of fastdeploy.yml."""
    return json.dumps(project_schema.make(), indent=2) + "\n"


def config() -> str:
    """Return the page about config.json, from its schema."""
    schema = Service.model_json_schema()
    parts = [
        part
        for name, of in schema["$defs"].items()
        for part in (f"## {name}", of.get("description", ""), fields(of))
    ]
    return page(
        "config.json and fastdeploy.yml",
        "`config.json` describes the service in its folder. It must have exactly one "
        "of `deploy_script` and `playbook`. Configure your editor with "
        "[the JSON Schema](service.schema.json), which `GET /schema/service.json` "
        "returns as well.",
        fields(schema),
        *parts,
        "## fastdeploy.yml",
        "`fastdeploy.yml` describes [a project](../how-to/projects.md): its services, "
        "and the environments in which they run. "
        "[Its JSON Schema](project.schema.json) completes the keys in your editor.",
        fields(project_file.ProjectFile.model_json_schema()),
        "Each service has the keys of a `config.json` without "
        f"{', '.join(f'`{key}`' for key in sorted(project_file.NOT_IN_PROJECT))}, and "
        "with these differences: `steps` may be texts, and `environments` lists those "
        "in which it runs (without it: all).",
        "## Environment",
        fields(project_file.Environment.model_json_schema()),
    )


def settings() -> str:
    """Return the page about the settings, with their defaults."""
    rows = [
        (f"`{PREFIX}{name.upper()}`", field.description or "", _default(name))
        for name, field in Settings.model_fields.items()
    ]
    return page(
        "Settings",
        "FastDeploy reads its settings from the environment when it starts. An invalid "
        "value is rejected; the error names the variable, but not the value.",
        table(("variable", "what it is", "default"), rows),
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
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return f"`{value}`" if value not in ("", None) else "empty"


#: The generated files of docs/reference.
FILES: dict[str, Callable[[], str]] = {
    "commands.md": commands,
    "config.md": config,
    "openapi.json": openapi,
    "project.schema.json": _project_schema,
    "roles.md": roles,
    "routes.md": routes,
    "service.schema.json": service_schema,
    "settings.md": settings,
}


def main() -> None:
    """Write all files."""
    for name, written in FILES.items():
        (REFERENCE / name).write_text(written())


if __name__ == "__main__":
    main()
