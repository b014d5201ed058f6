"""Find the lines of fastdeploy.yml that errors are about."""

from collections.abc import Iterator, Sequence

import yaml
from pydantic import ValidationError

from app.domain.config_json import explain
from app.runner import project_file
from app.runner.yaml_nodes import Node, line, line_of


def find_duplicates(node: Node, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield a sentence for each key that a mapping has twice."""
    if not isinstance(node, yaml.MappingNode):
        return
    lines: dict[str, int] = {}
    for key, value in node.value:
        if key.value in lines:
            yield (
                f"{project_file.NAME}, line {line(key)}: "
                f"{'.'.join((*path, key.value))} is defined twice, first in line "
                f"{lines[key.value]}"
            )
        lines[key.value] = line(key)
        if len(path) < 2:
            yield from find_duplicates(value, (*path, key.value))


def explain_at(
    root: Node, error: ValidationError, at: tuple[str, ...]
) -> Iterator[str]:
    """Yield a sentence for each error in the model at a place, with its line."""
    for problem in error.errors():
        place = (*at, *problem["loc"])
        yield f"{where(root, place)}{explain({**problem, 'loc': place})}"


def where(root: Node, place: Sequence[str | int]) -> str:
    """Return the file and the line of a place, as the beginning of a sentence."""
    return f"{project_file.NAME}, line {line_of(root, place)}: "
