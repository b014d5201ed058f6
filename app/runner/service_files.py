"""Find the files that a service's description names."""

import errno
from pathlib import Path

from .errors import FileProblem


def locate(folder: Path, name: str, key: str, place: str = "") -> Path:
    """Return the resolved path of a file in a service's resolved folder.

    Args:
        folder: The service's folder.
        name: The file's name.
        key: The field of config.json that names the file.
        place: The folder, as a sentence names it; by default by its path.

    Raises:
        FileProblem: The file is missing or outside the folder.
    """
    place = place or str(folder)
    if _is_loop(folder / name):
        raise FileProblem(
            key, f'"{name}" of "{key}" is a link to itself in {place}: correct it.'
        )
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path == folder:
        raise FileProblem(
            key, f'"{name}" of "{key}" lies outside {place}: move it into the folder.'
        )
    if not (path.is_file() or (key == "inventory" and path.is_dir())):
        raise FileProblem(
            key,
            f'"{name}" of "{key}" is missing in {place}: add it, or correct "{key}".',
        )
    return path


def _is_loop(path: Path) -> bool:
    """Return whether a link leads to itself; `resolve` of Python 3.13 ignores it."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
