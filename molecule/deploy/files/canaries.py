# ruff: noqa: INP001, T201 - a standalone program
"""Count a canary, in upper or lower case, in a backup: canaries.py BACKUP CANARY."""

import sys
import tarfile
import zipfile


def main(name: str, canary: str) -> None:
    """Print how often it is in the manifest, the files and the database."""
    with zipfile.ZipFile(name) as backup:
        texts = [backup.read("manifest.json"), backup.read("database.dump")]
        with (
            backup.open("files.tar.gz") as packed,
            tarfile.open(fileobj=packed, mode="r|gz") as files,
        ):
            for found in files:
                content = files.extractfile(found) if found.isfile() else None
                texts.append(b"" if content is None else content.read())
    print(sum(text.lower().count(canary.encode()) for text in texts))


if __name__ == "__main__":
    main(*sys.argv[1:])
