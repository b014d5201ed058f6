"""Artifacts: the folder that ansible-runner leaves behind, made from what is recorded.

    runs/<id>/artifacts/<id>/
        job_events/<counter>-<uuid>.json
        stdout
        stderr          empty, as ansible-runner leaves it: both streams are in stdout
        rc
        status

It is made from checked events, never unpacked from what a run sent, so a hostile run
can't write anywhere else. ansible-runner's own tools read it (`--ident <id>` with
`runs/<id>` as private data directory). What is written besides by ansible-runner
itself, `command`, holds its whole environment and is left out on purpose.
"""

import io
import os
import shutil
import tarfile
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from app.disk_space import FULL, no_room
from app.domain.deployment import Deployment
from app.errors import NoRoom, NotFound
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy, output, staging


@dataclass(frozen=True, slots=True)
class Branch:
    """A folder of the artifacts; `name` is its path, empty for the top.

    `files` are some of its `count` files, from the `first` on: path, name, bytes.
    """

    name: str
    files: Sequence[tuple[str, str, int]]
    count: int
    first: int


def artifacts_of(settings: Settings, deployment_id: int) -> Path:
    """The artifact folder of a deployment, whether or not it is there."""
    name = str(deployment_id)
    return settings.runs / name / "artifacts" / name


def write(store: Store, settings: Settings, deployment: Deployment) -> None:
    """Write the artifact folder of a deployment that has ended, if it isn't there.

    It appears whole or not at all.
    """
    folder = artifacts_of(settings, deployment.id)
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    # A draft of our own: the worker and a page may be at it at once.
    with staging.draft(settings, folder.name) as draft:
        try:
            _write_all(store, deployment, draft)
            draft.rename(folder)
        except OSError:
            # There by now if somebody else was faster.
            if not folder.exists():
                raise


def discard(settings: Settings, deployment_id: int) -> None:
    """Remove what lies where the artifacts of a run will be, before the run is ended.

    Only a run could have put it there, where it has FastDeploy's own user. Raises
    OSError.
    """
    top = artifacts_of(settings, deployment_id).parent
    if top.is_symlink() or top.is_file():
        top.unlink()
    elif top.exists():
        _make_removable(top)
        shutil.rmtree(top)


def _make_removable(folder: Path) -> None:
    folder.chmod(0o700)
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            _make_removable(entry)


def prepare(store: Store, settings: Settings, deployment_id: int) -> None:
    """Write the artifact folder of a deployment if there is one to write and it isn't.

    Raises NotFound.
    """
    _made(store, settings, deploy.find(store, deployment_id))


def listing(
    store: Store, settings: Settings, deployment: Deployment
) -> list[tuple[str, int]]:
    """The files of an artifact folder: relative path and size in bytes.

    Of a deployment that ended on another host, the folder is made here first.
    """
    return _files(_made(store, settings, deployment))


def tree(
    store: Store, settings: Settings, deployment: Deployment, skip: int, limit: int
) -> list[Branch]:
    """The artifact folder by its own folders, the top first; empty without artifacts.

    Of each, `limit` files behind the first `skip`: there is one for each event.
    """
    top = _made(store, settings, deployment)
    return [_branch(top, Path(parent), names, skip, limit)
            for parent, names in _folders(top)]  # fmt: skip


def file(store: Store, settings: Settings, deployment: Deployment, name: str) -> Path:
    """The file of that relative path; raises NotFound for anything else."""
    folder = _made(store, settings, deployment)
    path = folder / name
    missing = f"deployment {deployment.id} has no artifact {name!r}"
    try:
        # Where it leads to, whatever way it takes: below the folder, as it says itself.
        found = path.resolve(strict=True).relative_to(folder.resolve())
        is_file = path.is_file()
    # RuntimeError: a loop of links, before Python 3.13.
    except (OSError, ValueError, RuntimeError) as error:
        raise NotFound(missing) from error
    if not is_file or str(found) != name:
        raise NotFound(missing)
    return path


def archive(
    store: Store, settings: Settings, deployment: Deployment
) -> Generator[bytes]:
    """The whole folder as a compressed tar, in pieces; raises NotFound without one."""
    folder = _made(store, settings, deployment)
    if not folder.is_dir():
        raise NotFound(f"deployment {deployment.id} has no artifacts")
    return _archived(folder, f"{deployment.service_name}-{deployment.id}")


def _archived(folder: Path, name: str) -> Generator[bytes]:
    pieces = _Pieces()
    with tarfile.open(fileobj=pieces, mode="w|gz") as tar:
        for path, _ in _files(folder):
            tar.add(folder / path, f"{name}/{path}", filter=_anonymous)
            yield pieces.take()
    yield pieces.take()


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """The user that FastDeploy runs as here is nothing to whoever unpacks it."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member


class _Pieces(io.RawIOBase):
    """What is written since it was taken last."""

    def __init__(self) -> None:
        super().__init__()
        self._written: list[bytes] = []

    def write(self, content: Any) -> int:  # any buffer
        self._written.append(bytes(content))
        return len(content)

    def take(self) -> bytes:
        taken, self._written = b"".join(self._written), []
        return taken


def _made(store: Store, settings: Settings, deployment: Deployment) -> Path:
    if deployment.ended and deployment.pruned_at is None:
        try:
            write(store, settings, deployment)
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise NoRoom(no_room(settings.runs)) from error
    return artifacts_of(settings, deployment.id)


def _files(folder: Path) -> list[tuple[str, int]]:
    return [
        (str(path.relative_to(folder)), path.lstat().st_size)
        for parent, names in _folders(folder)
        for path in (Path(parent, name) for name in names)
    ]


def _folders(top: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder from the top on, with the names of its files."""
    for parent, folders, names in os.walk(top):
        folders.sort()
        yield parent, sorted(names, key=_by_counter)


def _branch(top: Path, folder: Path, names: list[str], skip: int, limit: int) -> Branch:
    # At the top are few, which are always there.
    skip = 0 if folder == top else skip
    shown = [folder / name for name in names[skip : skip + limit]]
    return Branch(
        name="" if folder == top else str(folder.relative_to(top)),
        files=[(str(path.relative_to(top)), path.name, path.lstat().st_size)
               for path in shown],
        count=len(names),
        first=skip + 1,
    )  # fmt: skip


def _write_all(store: Store, deployment: Deployment, folder: Path) -> None:
    (folder / "job_events").mkdir()
    for data in output.reported(store, deployment.id):
        _write_event(folder / "job_events", data)
    with (folder / "stdout").open("wb") as file:
        file.writelines(output.displayed(store, deployment.id))
    # ansible-runner's `Runner.stderr` raises an error without this file.
    (folder / "stderr").touch()
    (folder / "status").write_text(deployment.status)
    if deployment.exit_code is not None:
        (folder / "rc").write_text(str(deployment.exit_code))


def _write_event(folder: Path, data: str) -> None:
    event = orjson.loads(data)
    # Both were checked when the line was translated.
    path = folder / f"{event['counter']}-{event['uuid']}.json"
    path.write_text(data)


def _by_counter(name: str) -> tuple[int, str]:
    counter = name.partition("-")[0]
    return (int(counter) if counter.isdigit() else 0, name)
