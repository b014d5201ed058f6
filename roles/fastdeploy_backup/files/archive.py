# ruff: noqa: INP001, T201 - a standalone program that prints for the user
"""Create, check and unpack FastDeploy's backup: a single file with database and files.

    archive.py make FILE       create it; standard input is the plan, as JSON
    archive.py inspect FILE    check it, and print its manifest
    archive.py unpack FILE     check and restore it; standard input is the plan, as JSON

A backup is a ZIP file with three members: `database.dump` of pg_dump, `files.tar.gz`,
and last `manifest.json`, with the sizes and checksums of the other two. The table of
contents of a ZIP file is at its end, so a truncated file has neither.

The plan of `make` has the content of the `manifest`, the patterns of files to `include`
and `exclude`, and the command to `dump` the database. That of `unpack` has the command
to `load` it, the files to remove before (`replaced`), and those that the backup may
contain (`allowed`).

A backup contains sudo rules, so it is as sensitive as root access. These checks detect
backups that are foreign, damaged or malformed, and report the reason.

It is a single file that uses the standard library only, since it is copied to hosts and
also runs on the control machine.
"""

import fnmatch
import glob
import gzip
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Any

#: Incremented when earlier versions can't read the format.
FORMAT = 1
DATABASE, FILES, MANIFEST = "database.dump", "files.tar.gz", "manifest.json"
_CHUNK = 1024 * 1024
#: The maximum size of a manifest.
_MOST = 4 * 1024 * 1024
_KINDS = {"format": int, "members": dict, "host": str, "node": str, "made_at": str,
          "schema": str, "settings": dict, "secrets": bool, "withheld": list,
          "users": list}  # fmt: skip
_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_SETTING = re.compile(r"fastdeploy_[a-z_]+")
#: A restore needs these; each is a string.
_NEEDED = {"fastdeploy_service_name", "fastdeploy_user", "fastdeploy_site_path",
           "fastdeploy_var_path"}  # fmt: skip


class Refused(Exception):
    """The backup is refused; the message is for the user."""


class HashingFile:
    """Write to another file and compute size and checksum."""

    def __init__(self, below: IO[bytes]) -> None:
        self._below = below
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        """Write all data."""
        self._hash.update(data)
        self._size += len(data)
        return self._below.write(data)

    def flush(self) -> None:
        """Do nothing: the ZIP is flushed when it is closed."""

    def summary(self) -> dict[str, Any]:
        """Return the entry for the manifest."""
        return {"size": self._size, "sha256": self._hash.hexdigest()}


def make(path: Path, plan: dict[str, Any]) -> None:
    """Write a backup: first the database, so that the files are at least as new."""
    members = {}
    # Only the owner can read it, from the first byte on.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with (
        os.fdopen(descriptor, "wb") as file,
        zipfile.ZipFile(file, "w", allowZip64=True) as backup,
    ):
        with backup.open(DATABASE, "w", force_zip64=True) as member:
            hashing = HashingFile(member)
            _dump(plan["dump"], hashing)
            members[DATABASE] = hashing.summary()
        with backup.open(FILES, "w", force_zip64=True) as member:
            hashing = HashingFile(member)
            _pack(plan["include"], plan["exclude"], hashing)
            members[FILES] = hashing.summary()
        manifest = {"format": FORMAT, "members": members, **plan["manifest"]}
        backup.writestr(MANIFEST, json.dumps(manifest, indent=2))


def inspect(path: Path) -> dict[str, Any]:
    """Check a backup and return its manifest; raises Refused if it is invalid."""
    with _opened(path) as backup:
        if sorted(backup.namelist()) != sorted([DATABASE, FILES, MANIFEST]):
            raise _Foreign
        if backup.getinfo(MANIFEST).file_size > _MOST:
            raise _Foreign
        manifest = json.loads(backup.read(MANIFEST))
        if type(manifest) is not dict or type(manifest["format"]) is not int:
            raise _Foreign
        if manifest["format"] > FORMAT:
            raise Refused(
                f"{path} was made by a newer FastDeploy, which writes backups of "
                f"format {manifest['format']}; this one reads {FORMAT}. Restore it "
                "with the FastDeploy that made it."
            )
        wrong = _wrong_in(manifest)
        if wrong:
            raise Refused(f"{path} is not a valid backup: {wrong}.")
        for name in (DATABASE, FILES):
            with backup.open(name) as member:
                if _summary(member) != manifest["members"][name]:
                    raise Refused(f"{path} is damaged: the checksum of {name} differs.")
        with backup.open(FILES) as member:
            _check_files(member, ["/*"])
    return dict(manifest)


def unpack(path: Path, plan: dict[str, Any]) -> None:
    """Restore a backup: the database in one transaction, then the files."""
    inspect(path)
    with _opened(path) as backup:
        with backup.open(FILES) as member:
            _check_files(member, plan["allowed"])
        with backup.open(DATABASE) as member:
            _feed(plan["load"], member, "The database can't be restored.")
        for pattern in plan["replaced"]:
            for old in glob.glob(pattern):  # noqa: PTH207 - patterns are absolute
                _remove(Path(old))
        with backup.open(FILES) as member:
            _feed(
                ["tar", "--extract", "--gzip", "--directory=/", "--same-permissions",
                 "--same-owner"],
                member,
                "The files can't be restored.",
            )  # fmt: skip


class _Foreign(Exception):
    """The content doesn't have the format of a backup."""


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """Open a backup; raises Refused for any error while it is read."""
    foreign = f"{path} is not a FastDeploy backup, or it is damaged or truncated."
    try:
        with zipfile.ZipFile(path) as backup:
            yield backup
    except FileNotFoundError:
        raise Refused(f"{path} does not exist.") from None
    except (PermissionError, IsADirectoryError) as error:
        raise Refused(f"{path} can't be read: {error.strerror}.") from None
    except (_Foreign, zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError,
            gzip.BadGzipFile, struct.error, KeyError, ValueError,
            RecursionError):  # fmt: skip
        raise Refused(foreign) from None
    except (RuntimeError, NotImplementedError):
        # Python raises these for a password and for unknown compression methods.
        raise Refused(
            f"{path} is encrypted, or compressed with an unsupported method."
        ) from None
    except OSError as error:
        raise Refused(f"{path} can't be read: {error}.") from None


def _wrong_in(manifest: dict[str, Any]) -> str:
    """Return what is invalid in a manifest of this format; empty if it is valid."""
    for key, kind in _KINDS.items():
        if type(manifest.get(key)) is not kind:
            return f"its manifest has no valid {key}"
    if set(manifest["members"]) != {DATABASE, FILES}:
        return "its manifest names other members"
    if not all(type(name) is str for name in manifest["withheld"]):
        return "its manifest has no valid withheld"
    return _wrong_settings(manifest["settings"]) or _wrong_users(manifest["users"])


def _wrong_settings(settings: dict[str, Any]) -> str:
    for name in settings:
        if not _SETTING.fullmatch(name):
            return f"{name!r} is not a variable of FastDeploy"
    for name in sorted(_NEEDED):
        if type(settings.get(name)) is not str:
            return f"the variable {name} is missing or not a string"
    return ""


def _wrong_users(users: list[Any]) -> str:
    for user in users:
        if type(user) is not dict or set(user) != {"name", "run_group"}:
            return "its manifest has no valid users"
        for name in user.values():
            if type(name) is not str or not _NAME.fullmatch(name) or name == "root":
                return f"{name!r} can't be used as a name of a user or group"
    return ""


def _dump(command: list[str], into: HashingFile) -> None:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as dumping:
        assert dumping.stdout is not None
        while data := dumping.stdout.read(_CHUNK):
            into.write(data)
    if dumping.returncode:
        raise Refused("The database can't be dumped.")


def _pack(include: list[str], exclude: list[str], into: HashingFile) -> None:
    with (
        gzip.GzipFile(fileobj=into, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as archive,
    ):
        for path in _paths(include, exclude):
            _add(archive, path)
            # Free the list, which would have an entry for each of a million files.
            archive.members = []


def _paths(include: list[str], exclude: list[str]) -> Iterator[str]:
    """Yield the paths that match and those below them, parents first."""

    def wanted(path: str) -> bool:
        return not any(fnmatch.fnmatch(path, pattern) for pattern in exclude)

    for top in sorted(path for pattern in include for path in glob.glob(pattern)):  # noqa: PTH207 - patterns are absolute
        if not wanted(top):
            continue
        yield top
        for parent, folders, names in os.walk(top):
            folders[:] = sorted(f for f in folders if wanted(f"{parent}/{f}"))
            yield from (f"{parent}/{f}" for f in folders)
            yield from (path for n in sorted(names) if wanted(path := f"{parent}/{n}"))


class _PaddedFile:
    """Pad a file that became shorter with zeros to its original length."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        """Read exactly `size` bytes."""
        return self._file.read(size).ljust(size, b"\0")


def _add(archive: tarfile.TarFile, path: str) -> None:
    """Add a file, which may change or be removed while FastDeploy is running."""
    try:
        mode = os.lstat(path).st_mode
        if not stat.S_ISREG(mode):
            if stat.S_ISDIR(mode) or stat.S_ISLNK(mode):
                archive.add(path, recursive=False)
            return
        with open(path, "rb") as file:  # noqa: PTH123 - names are texts here
            entry = archive.gettarinfo(fileobj=file)
            # No program of FastDeploy needs these bits.
            entry.mode &= ~(stat.S_ISUID | stat.S_ISGID)
            archive.addfile(entry, _PaddedFile(file))  # type: ignore[arg-type]
    except FileNotFoundError:
        return


def _check_files(member: IO[bytes], allowed: list[str]) -> None:
    """Raise Refused for a file that leads outside or isn't allowed."""
    links: set[PurePosixPath] = set()
    with tarfile.open(fileobj=member, mode="r|gz") as archive:
        for entry in archive:
            archive.members = []
            wrong = _wrong_with(entry, links, allowed)
            if wrong:
                raise Refused(f"The backup has {wrong}: {'/' + entry.name!r}.")
            if entry.issym():
                links.add(PurePosixPath("/", entry.name))


def _wrong_with(
    entry: tarfile.TarInfo, links: set[PurePosixPath], allowed: list[str]
) -> str:
    if not (entry.isreg() or entry.isdir() or entry.issym() or entry.islnk()):
        return "a member that is neither a file, a folder nor a link"
    if entry.mode & (stat.S_ISUID | stat.S_ISGID) and not entry.isdir():
        return "a program with the setuid or setgid bit"
    names = [entry.name, entry.linkname] if entry.islnk() else [entry.name]
    for path in (PurePosixPath("/", name) for name in names):
        if ".." in path.parts or not _allowed(str(path), allowed):
            return "a file that isn't allowed"
        if not links.isdisjoint(path.parents):
            return "a file behind a link"
    if entry.islnk() and PurePosixPath("/", entry.linkname) in links:
        return "a file behind a link"
    return ""


def _allowed(path: str, allowed: list[str]) -> bool:
    return any(
        fnmatch.fnmatchcase(path, pattern) or fnmatch.fnmatchcase(path, f"{pattern}/*")
        for pattern in allowed
    )


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _feed(command: list[str], member: IO[bytes], complaint: str) -> None:
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        try:
            while data := member.read(_CHUNK):
                process.stdin.write(data)
            process.stdin.close()
        except BrokenPipeError:
            # The process has printed the reason; its exit code follows.
            pass
    if process.returncode:
        raise Refused(complaint)


def _summary(member: IO[bytes]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    while data := member.read(_CHUNK):
        digest.update(data)
        size += len(data)
    return {"size": size, "sha256": digest.hexdigest()}


def main(command: str, name: str) -> None:
    """Run a command."""
    path = Path(name)
    if command == "make":
        make(path, json.load(sys.stdin))
    elif command == "unpack":
        unpack(path, json.load(sys.stdin))
    else:
        print(json.dumps(inspect(path)))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        sys.exit(1)
