"""The architecture's promises are held by tests that exist."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.system.attacks import every

ROOT = Path(__file__).parents[2]
SECURITY = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(test_\w+\.py)::(\w+)`")


def test_every_test_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(NAMED.findall(text))

    assert named
    # Also one that was cut in two by the end of a line, or misspelled.
    assert text.count("::test_") == len(NAMED.findall(text))
    assert set() == named - existing()


def test_every_test_that_the_security_page_names_exists() -> None:
    named = set(NAMED.findall(SECURITY.read_text()))

    assert named
    assert set() == named - existing()


def test_each_promise_names_its_attacks_and_each_attack_proves_one() -> None:
    promises = proofs("| promise | attacks |")
    attacks = {attack.name for attack in every("192.0.2.1")}
    named = {pattern: matching(pattern, attacks) for row in promises for pattern in row}

    assert all(promises)
    assert [] == [pattern for pattern, found in named.items() if not found]
    assert set() == attacks - set().union(*named.values())


def test_each_other_promise_names_tasks_that_the_scenario_has() -> None:
    promises = proofs("| promise | tasks of the scenario |")
    there = {
        name
        for file in (ROOT / "molecule" / "register").rglob("*.yml")
        for name in names(yaml.safe_load(file.read_text()))
    }

    assert all(promises)
    assert [] == [name for row in promises for name in row if name not in there]


#: The packages of the repository that the code of each one may import.
IMPORTS = {
    "app": {"app"},
    "testing": {"app", "testing"},
    "bench": {"app", "testing", "bench"},
    "tools": {"app", "testing", "tools"},
    # Those of `tools` are tested; `tests.system` is copied to the hosts of Molecule.
    "tests": {"app", "testing", "tools", "tests.system"},
}


@pytest.mark.parametrize(("package", "allowed"), IMPORTS.items(), ids=IMPORTS)
def test_a_package_imports_only_those_it_may_import(
    package: str, allowed: set[str]
) -> None:
    forbidden = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / package).rglob("*.py")
        if not path.is_relative_to(ROOT / "tests" / "data")
        for name in imports(ast.parse(path.read_text()))
        if name.partition(".")[0] in IMPORTS
        and not any(name == good or name.startswith(f"{good}.") for good in allowed)
    ]

    assert [] == forbidden


def imports(tree: ast.Module) -> Iterator[str]:
    """The full names of all modules, or of their contents, that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def proofs(head: str) -> list[list[str]]:
    """What stands in code in the second column of the table with that head."""
    table = SECURITY.read_text().partition(head)[2]
    return [
        re.findall("`([^`]+)`", row.split("|")[2])
        for row in table.partition("\n\n")[0].splitlines()[2:]
    ]


def names(content: object) -> Iterator[str]:
    """The names of all tasks and plays in a file."""
    if isinstance(content, dict) and "name" in content:
        yield str(content["name"])
    if isinstance(content, dict | list):
        inner = content.values() if isinstance(content, dict) else content
        for each in inner:
            yield from names(each)


def matching(pattern: str, attacks: set[str]) -> set[str]:
    """The attacks of that name, in which `…` stands for anything."""
    told = re.escape(pattern).replace("…", ".+")
    return {attack for attack in attacks if re.fullmatch(told, attack)}


def existing() -> set[tuple[str, str]]:
    """The file's name and the function's name of every test."""
    return {
        (path.name, node.name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
