"""Generate the README of each role, a table of variables, from its argument specs."""

from pathlib import Path
from typing import Any

import yaml

from tools.markdown import page, table

ROLES = Path(__file__).parents[1] / "roles"


def public_roles() -> list[str]:
    """Return the names of the roles with variables for users, sorted."""
    return sorted(
        file.parents[1].name for file in ROLES.glob("*/meta/argument_specs.yml")
    )


def specs(role: str) -> dict[str, Any]:
    """Return the argument specification of a role's entry point."""
    text = (ROLES / role / "meta" / "argument_specs.yml").read_text()
    main: dict[str, Any] = yaml.safe_load(text)["argument_specs"]["main"]
    return main


def readme(role: str) -> str:
    """Return the README of a role."""
    return page(
        role,
        _about(role),
        "[docs/security.md](../../docs/security.md) describes the boundary that the "
        "roles configure.",
        _options(role),
    )


def roles() -> str:
    """Return the page about all roles for docs/reference."""
    parts = [
        part
        for role in public_roles()
        for part in (f"## {role}", _about(role), _options(role))
    ]
    return page(
        "Roles",
        "This page is generated from `meta/argument_specs.yml` of each role, which "
        "Ansible validates before the role starts. [Security](../security.md) "
        "describes the boundary that the roles configure.",
        *parts,
    )


def _about(role: str) -> str:
    return " ".join(specs(role)["description"])


def _options(role: str) -> str:
    rows = [_row(name, option) for name, option in specs(role)["options"].items()]
    return table(("variable", "what it is", "type", "default"), rows)


def _row(name: str, option: dict[str, Any]) -> tuple[str, str, str, str]:
    kind = " or ".join(f"`{c}`" for c in option.get("choices", [])) or option["type"]
    default = option.get("default", "")
    shown = "required" if option.get("required") else "empty"
    if default not in ("", [], {}):
        shown = (
            f"`{default}`" if not isinstance(default, bool) else str(default).lower()
        )
    return f"`{name}`", option["description"], kind, shown


def main() -> None:
    """Write the README of each public role."""
    for role in public_roles():
        (ROLES / role / "README.md").write_text(readme(role))


if __name__ == "__main__":
    main()
