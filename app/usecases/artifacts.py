"""Artifacts: the folder that ansible-runner leaves behind, made from what is recorded.

    runs/<id>/artifacts/<id>/
        job_events/<counter>-<uuid>.json
        stdout
        rc
        status

It is made from checked events, never unpacked from what a run sent, so a hostile run
can't write anywhere else. ansible-runner's own tools read it (`--ident <id>` with
`runs/<id>` as private data directory). What is written besides by ansible-runner
itself, `command`, holds its whole environment and is left out on purpose.
"""

import os
import shutil
import tempfile
from pathlib import Path

import orjson

from app.domain.deployment import Deployment
from app.errors import NotFound
from app.settings import Settings
from app.store import events
from app.store.store import Store


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
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{folder.name}."))
    try:
        _write_all(store, deployment, draft)
        draft.rename(folder)
    except OSError:
        # There by now if somebody else was faster.
        if not folder.exists():
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def count(settings: Settings, deployment_id: int) -> int:
    """How many files the artifact folder has; 0 where it isn't there (yet)."""
    return len(_files(artifacts_of(settings, deployment_id)))


def listing(
    store: Store, settings: Settings, deployment: Deployment
) -> list[tuple[str, int]]:
    """The files of an artifact folder: relative path and size in bytes.

    Of a deployment that ended on another host, the folder is made here first.
    """
    return _files(_made(store, settings, deployment))


def file(store: Store, settings: Settings, deployment: Deployment, name: str) -> Path:
    """The file of that relative path; raises NotFound for anything else."""
    folder = _made(store, settings, deployment)
    if name not in {path for path, _ in _files(folder)}:
        raise NotFound(f"deployment {deployment.id} has no artifact {name!r}")
    return folder / name


def _made(store: Store, settings: Settings, deployment: Deployment) -> Path:
    if deployment.ended and deployment.pruned_at is None:
        write(store, settings, deployment)
    return artifacts_of(settings, deployment.id)


def _files(folder: Path) -> list[tuple[str, int]]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names, key=_by_counter):
            path = Path(parent, name)
            found.append((str(path.relative_to(folder)), path.lstat().st_size))
    return found


def _write_all(store: Store, deployment: Deployment, folder: Path) -> None:
    (folder / "job_events").mkdir()
    with store.begin() as db:
        for data in events.stream_data(db, deployment.id):
            _write_event(folder / "job_events", data)
        with (folder / "stdout").open("wb") as file:
            file.writelines(events.stream_output(db, deployment.id))
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
