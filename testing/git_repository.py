"""A git repository for tests, on a branch `main`."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ADDRESS = "author@example.org"
_ENVIRONMENT = {
    "GIT_AUTHOR_EMAIL": ADDRESS,
    "GIT_AUTHOR_NAME": "Author",
    "GIT_COMMITTER_EMAIL": ADDRESS,
    "GIT_COMMITTER_NAME": "Author",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


class GitRepository:
    """A repository with a working tree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        if not folder.exists():
            folder.mkdir(parents=True)
            self.git("init", "--quiet", "--initial-branch=main")
        self._time = 1_700_000_000

    def git(self, *arguments: str, content: bytes = b"", **env: str) -> str:
        """Run git and return what it prints."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env=os.environ | _ENVIRONMENT | env,
            input=content,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
        return done.stdout.decode(errors="replace").strip()

    def write(self, files: Mapping[str, str | bytes]) -> None:
        """Write files to the working tree."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(
        self, subject: str, files: Mapping[str, str | bytes] | None = None, *more: str
    ) -> str:
        """Commit all files, a minute after the previous commit; return the hash."""
        self.write(files or {})
        self.git("add", "--all")
        return self.commit_index(subject, *more)

    def commit_index(self, subject: str, *more: str) -> str:
        """Commit what was added; return the hash."""
        self._time += 60
        date = f"{self._time} +0000"
        self.git("commit", "--quiet", "--allow-empty", "-m", subject, *more,
                 GIT_AUTHOR_DATE=date, GIT_COMMITTER_DATE=date)  # fmt: skip
        return self.git("rev-parse", "HEAD")
