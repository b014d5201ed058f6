"""Paths of files in the folder of a service."""

import re
from pathlib import PurePosixPath


def require(name: str) -> str:
    """Return a path; raise ValueError unless it is plain and stays in its folder.

    It may have spaces, but not at the ends of a name, where nobody sees them.
    """
    path = PurePosixPath(name)
    hidden = any(part != part.strip() for part in name.split("/"))
    plain = re.fullmatch(r"[\w./ -]+", name) and not hidden
    if path.is_absolute() or ".." in path.parts or not plain:
        raise ValueError("must be a plain path inside the service's folder")
    return name


def require_program(name: str) -> str:
    """Return the path of a program; raise ValueError as `require` does.

    It has no spaces: in a sudo rule, they would separate the program from arguments.
    """
    if " " in name:
        raise ValueError("must be a plain path without spaces")
    return require(name)
