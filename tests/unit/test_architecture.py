"""The architecture's promises are held by tests that exist."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"`(test_\w+\.py)::(\w+)`")


def test_every_test_that_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text()
    named = set(NAMED.findall(text))

    assert named
    # Also one that was cut in two by the end of a line, or misspelled.
    assert text.count("::test_") == len(NAMED.findall(text))
    assert set() == named - existing()


def existing() -> set[tuple[str, str]]:
    """The file's name and the function's name of every test."""
    return {
        (path.name, node.name)
        for path in (ROOT / "tests").rglob("test_*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef)
    }
