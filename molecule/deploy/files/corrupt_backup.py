# ruff: noqa: INP001 - a standalone program
"""Create invalid backups from a valid one.

corrupt_backup.py BACKUP FOLDER  writes half.zip, damaged.zip, format.zip and schema.zip
"""

import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


def copy(backup: Path, to: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Copy a backup with a changed manifest."""
    with zipfile.ZipFile(backup) as source, zipfile.ZipFile(to, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        change(manifest)
        target.writestr("manifest.json", json.dumps(manifest))
        for name in ("database.dump", "files.tar.gz"):
            target.writestr(name, source.read(name))


def main(name: str, folder: str) -> None:
    """Write all invalid backups."""
    backup, into = Path(name), Path(folder)
    whole = backup.read_bytes()
    (into / "half.zip").write_bytes(whole[: len(whole) // 2])
    members = "members"
    copy(backup, into / "damaged.zip", lambda m: m[members]["database.dump"].clear())
    copy(backup, into / "format.zip", lambda m: m.update(format=2))
    copy(backup, into / "schema.zip", lambda m: m.update(schema="9999"))


if __name__ == "__main__":
    main(*sys.argv[1:])
