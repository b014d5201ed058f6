"""The descriptions of the fields of models: the docstrings after them.

With `use_attribute_docstrings`, pydantic reads them when it makes a class, so that each
command would parse the source of all models. Here, they are read when a JSON Schema is
made.
"""

import ast
import inspect
from collections.abc import Iterator
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel


def describe(schema: dict[str, Any], model: type[BaseModel]) -> None:
    """Add its fields' docstrings to the JSON Schema of a model."""
    for part in reversed(model.__mro__):
        if issubclass(part, BaseModel) and part is not BaseModel:
            for name, docstring in _docstrings(part):
                described = schema["properties"][name] | {"description": docstring}
                # Pydantic sorts the keywords, too.
                schema["properties"][name] = dict(sorted(described.items()))


def _docstrings(model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Yield the names of the fields that a class declares, with their docstrings."""
    [declared] = ast.parse(dedent(inspect.getsource(model))).body
    assert isinstance(declared, ast.ClassDef)
    for field, following in pairwise(declared.body):
        match field, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                yield name, inspect.cleandoc(docstring)
