# ruff: noqa: INP001, T201 - a standalone program
"""Count the canaries in a backup: canaries.py BACKUP."""

import re
import sys
import tarfile
import zipfile


def main(name: str) -> None:
    """Print their number in the manifest, the files and the database."""
    with zipfile.ZipFile(name) as backup:
        texts = [backup.read("manifest.json"), backup.read("database.dump")]
        with (
            backup.open("files.tar.gz") as packed,
            tarfile.open(fileobj=packed, mode="r|gz") as files,
        ):
            for found in files:
                content = files.extractfile(found)
                texts.append(b"" if content is None else content.read())
    print(sum(len(re.findall(rb"(?i)canary", text)) for text in texts))


if __name__ == "__main__":
    main(sys.argv[1])
