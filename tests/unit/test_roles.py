"""The roles: their documentation, defaults and variables."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools import role_readme

ROOT = Path(__file__).parents[2]
REGISTER = "fastdeploy_register_service"
ROLES = role_readme.public_roles()
REQUIREMENTS = ROOT / "roles" / REGISTER / "files" / "requirements.txt"
#: The specs describe these defaults in words, since they are computed.
COMPUTED_DEFAULTS = {
    "fd_run_group",
    "fd_runner_source",
    "fastdeploy_source_path",
    "fastdeploy_backup_folder",
}


def defaults(role: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        (ROOT / "roles" / role / "defaults" / "main.yml").read_text()
    )
    return found


@pytest.mark.parametrize("role", ROLES)
def test_a_readme_says_what_the_argument_specs_say(role: str) -> None:
    written = (ROOT / "roles" / role / "README.md").read_text()

    assert written == role_readme.readme(role), (
        "generate it: python -m tools.role_readme"
    )


@pytest.mark.parametrize("role", ROLES)
def test_the_argument_specs_name_the_defaults(role: str) -> None:
    options = role_readme.specs(role)["options"]
    specified = {n: o["default"] for n, o in options.items() if not o.get("required")}

    assert defaults(role).keys() == specified.keys()
    assert {n: v for n, v in defaults(role).items() if n not in COMPUTED_DEFAULTS} == {
        n: v for n, v in specified.items() if n not in COMPUTED_DEFAULTS
    }


def test_the_roles_have_their_name_of_the_deployment_guide_too() -> None:
    alias = ROOT / "collections" / "ansible_collections" / "local" / "ops_library"

    assert ROOT / "roles" / REGISTER == (alias / "roles" / REGISTER).resolve()


def test_no_task_registers_a_name_that_is_also_a_variable_of_a_role() -> None:
    """A registered result overrides the variable until the end of the play."""
    tasks = [
        task
        for file in (ROOT / "roles").glob("*/tasks/*.yml")
        for task in flat(yaml.safe_load(file.read_text()))
    ]
    registered = {task["register"] for task in tasks if "register" in task}
    facts = {
        name
        for task in tasks
        for name in task.get("ansible.builtin.set_fact", {})
        if name.startswith("_")
    }
    variables = {
        name
        for file in (ROOT / "roles").glob("*/vars/main.yml")
        for name in yaml.safe_load(file.read_text())
    }

    assert (True, True) == (len(registered) > 20, len(variables) > 20)
    assert set() == (registered | facts) & variables


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks, and those within their blocks."""
    parts = ("block", "rescue", "always")
    inner = (task for outer in tasks for part in parts for task in outer.get(part, []))
    return [*tasks, *(task for one in inner for task in flat([one]))]


def test_a_number_or_a_truth_may_come_from_the_command_line_as_a_text() -> None:
    """`-e fd_remove_home=false` is the text "false", which Jinja takes for true."""
    options = {
        name: option["type"]
        for role in ROLES
        for name, option in role_readme.specs(role)["options"].items()
        if option["type"] in ("bool", "int")
    }
    used = {name: uses(name) for name in options}

    assert all(used.values())
    assert {} == {
        name: wrong
        for name, found in used.items()
        if (wrong := [use for use in found if f"{name} | {options[name]}" not in use])
    }


def uses(name: str) -> list[str]:
    """Where the roles' expressions have a variable, with what is done to it there."""
    files = [
        file
        for part in ("tasks", "handlers", "vars", "templates")
        for file in (ROOT / "roles").glob(f"*/{part}/*")
    ]
    expressions = [
        expression
        for file in files
        for expression in [
            *re.findall(r"\{[{%].*?[%}]\}", file.read_text(), re.DOTALL),
            *re.findall(r"^ *(?:when:|-) [^{\n]+$", file.read_text(), re.MULTILINE),
        ]
    ]
    pattern = rf"(?<![\w.]){name}\b(?! *:)(?: \| \w+)?"
    return [use for text in expressions for use in re.findall(pattern, text)]


def test_a_hosts_python_packages_are_those_of_the_lock() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text())
    locked = {
        (package["name"], package.get("version", "")): {
            file["hash"]
            for file in [package.get("sdist"), *package.get("wheels", [])]
            if file
        }
        for package in lock["package"]
    }
    pinned: dict[tuple[str, str], set[str]] = {}
    for line in REQUIREMENTS.read_text().splitlines():
        if named := re.match(r"([\w.-]+)==([\w.]+)", line):
            current = pinned.setdefault((named[1], named[2]), set())
        elif pinned_hash := re.search(r"--hash=(\S+)", line):
            current.add(pinned_hash[1])

    assert {"ansible-core", "ansible-runner"} <= {name for name, _ in pinned}
    assert pinned == {package: locked.get(package) for package in pinned}, (
        "generate it: uv export --frozen --only-group runner --no-header "
        f"--no-annotate --output-file {REQUIREMENTS.relative_to(ROOT)}"
    )
