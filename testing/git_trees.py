"""A git repository with unusual files, and the mirror from which its trees are made."""

import os
import shutil
from pathlib import Path

from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource
from testing.git_repository import GitRepository

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
FILES = {
    ".gitattributes": "secret.txt export-ignore\nversion.txt export-subst\n",
    "secret.txt": "kept\n",
    "version.txt": "$Format:%H$\n",
    "roles/web/tasks/main.yml": "[]\n",
    "run.sh": "#!/bin/sh\n",
    "pointer.txt": POINTER,
}


def make_source(folder: Path) -> GitRepository:
    """Make the repository: FILES, two links, and a name that isn't UTF-8."""
    repository = GitRepository(folder)
    repository.write(FILES)
    (repository.folder / "run.sh").chmod(0o755)
    (repository.folder / "link").symlink_to("roles/../run.sh")
    (repository.folder / "loop").symlink_to("loop")
    Path(os.fsdecode(bytes(repository.folder) + b"/\xff.txt")).write_text("x\n")
    repository.commit("Add files")
    return repository


def copy_repository(source: GitRepository, folder: Path) -> GitRepository:
    """Return a copy of a repository that a test may change."""
    shutil.copytree(source.folder, folder, symlinks=True)
    return GitRepository(folder)


def make_mirror(repository: GitRepository, folder: Path) -> Mirror:
    """Return a mirror that has fetched the repository."""
    mirror = Mirror(GitSource(str(repository.folder)), folder)
    mirror.fetch(60)
    return mirror


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


def fetch_commit(
    mirror: Mirror, repository: GitRepository, files: dict[str, str]
) -> str:
    """Commit a change, let the mirror fetch it, and return the commit."""
    commit = repository.commit("Change", files)
    mirror.fetch(60)
    return commit
