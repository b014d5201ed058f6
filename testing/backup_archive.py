"""Backups, written as the role writes them and in ways that it does not."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from testing.paths import ROOT

ARCHIVE = ROOT / "roles/fastdeploy_backup/files/archive.py"
DUMP = b"a dump of the database"
SETTINGS = {
    "fastdeploy_service_name": "fastdeploy",
    "fastdeploy_user": "fastdeploy",
    "fastdeploy_site_path": "/home/fastdeploy/site",
    "fastdeploy_var_path": "/var/lib/fastdeploy",
    "fastdeploy_extra_environment": {"FASTDEPLOY_KEEP_DAYS": "90"},
}
MANIFEST = {
    "host": "backed",
    "node": "backed",
    "made_at": "2026-01-02T03:04:05Z",
    "schema": "0001",
    "settings": SETTINGS,
    "secrets": False,
    "withheld": [],
    "users": [{"name": "deploy", "run_group": "fastdeploy-run"}],
}
FOREIGN = "is not a FastDeploy backup, or it is damaged or truncated."


def call(*args: str | Path, plan: object = None) -> subprocess.CompletedProcess[str]:
    """Call the program as the roles do."""
    return subprocess.run(
        [sys.executable, ARCHIVE, *args],
        check=False,
        capture_output=True,
        text=True,
        input=json.dumps(plan),
    )


def refusal(*args: str | Path, plan: object = None) -> str:
    """The one sentence by which it refuses."""
    done = call(*args, plan=plan)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr.strip()


def packed(*members: tarfile.TarInfo) -> bytes:
    """The files of a backup, each with its name as its content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            content = member.name.encode() if member.isreg() else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file.getvalue()


def member(
    name: str, kind: bytes = tarfile.REGTYPE, to: str = "", mode: int = 0o644
) -> tarfile.TarInfo:
    """A file of a backup."""
    found = tarfile.TarInfo(name)
    found.type, found.linkname, found.mode = kind, to, mode
    return found


def told(content: bytes) -> dict[str, object]:
    """What the manifest says of a member."""
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def write(path: Path, files: bytes = b"", **changed: object) -> Path:
    """Write a valid backup, except for the given parts."""
    files = files or packed(member("etc/fastdeploy/registered/hello.json"))
    members = {"database.dump": told(DUMP), "files.tar.gz": told(files)}
    manifest = {"format": 1, "members": members, **MANIFEST, **changed}
    with zipfile.ZipFile(path, "w") as backup:
        backup.writestr("database.dump", DUMP)
        backup.writestr("files.tar.gz", files)
        backup.writestr("manifest.json", json.dumps(manifest))
    return path


def encrypted(path: Path) -> Path:
    """Say of each member that it is encrypted: the bit of its flags that means so."""
    return marked(path, local=6, central=8, value=1)


def oddly_packed(path: Path) -> Path:
    """Say of each member that it is packed in a way that nobody knows."""
    return marked(path, local=8, central=10, value=99)


def marked(path: Path, *, local: int, central: int, value: int) -> Path:
    """Set bits of the byte at this offset in both headers of each member."""
    content = bytearray(write(path).read_bytes())
    for mark, distance in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
        place = -1
        while (place := content.find(mark, place + 1)) >= 0:
            content[place + distance] |= value
    path.write_bytes(content)
    return path


def without(path: Path, name: str) -> Path:
    """Write a backup that lacks a member."""
    write(path)
    with zipfile.ZipFile(path) as source:
        kept = {n: source.read(n) for n in source.namelist() if n != name}
    with zipfile.ZipFile(path, "w") as target:
        for kept_name, content in kept.items():
            target.writestr(kept_name, content)
    return path


def with_more(path: Path) -> Path:
    """Write a backup with a member too many."""
    write(path)
    with zipfile.ZipFile(path, "a") as backup:
        backup.writestr("more", "more")
    return path


def half(path: Path) -> Path:
    """Write the first half of a backup."""
    whole = write(path).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def other(path: Path, content: bytes) -> Path:
    """Write something else."""
    path.write_bytes(content)
    return path


HOSTILE = {
    "leads-up": [member("etc/fastdeploy/../passwd")],
    "leads-up-at-once": [member("../etc/passwd")],
    "device": [member("etc/fastdeploy/null", tarfile.CHRTYPE)],
    "fifo": [member("etc/fastdeploy/fifo", tarfile.FIFOTYPE)],
    "setuid": [member("opt/fastdeploy/bin/su", mode=0o4755)],
    "setgid": [member("opt/fastdeploy/bin/su", mode=0o2755)],
    "behind-a-link": [
        member("var/lib/fastdeploy/runs/1", tarfile.SYMTYPE, "/etc"),
        member("var/lib/fastdeploy/runs/1/passwd"),
    ],
    "behind-a-link-that-is-written-otherwise": [
        member("var/lib/fastdeploy/runs/1", tarfile.SYMTYPE, "/etc"),
        member("var/lib//fastdeploy/./runs/1/passwd"),
    ],
    "hard-link-to-a-link": [
        member("var/lib/fastdeploy/runs/1", tarfile.SYMTYPE, "/etc/passwd"),
        member(
            "var/lib/fastdeploy/runs/2", tarfile.LNKTYPE, "var/lib/fastdeploy/runs/1"
        ),
    ],
    "hard-link-that-leads-up": [
        member("var/lib/fastdeploy/runs/1", tarfile.LNKTYPE, "var/../etc/passwd")
    ],
}
