"""The artifact folder: made from what is recorded, whole or not at all."""

import io
import json
import os
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from sqlalchemy import event

from app.bootstrap.web import make_web
from app.domain.access import Permission
from app.domain.deployment import Deployment
from app.errors import NotFound
from app.settings import Settings
from app.store.events import Occurrence
from app.store.store import Store
from app.usecases import artifacts, deploy, record, retention, staging, tokens
from app.usecases.record import Place
from app.worker.translate import translate
from testing.asgi import Client
from testing.disks import fill, small_disk
from testing.factories import NOW, ROOT, UUID, make_runner_line, start_deployment
from testing.web_client import ClientFor


def end(store: Store, settings: Settings, *lines: bytes) -> Deployment:
    """A deployment that ended well and has these lines."""
    running = start_deployment(store, settings)
    record.record(
        store,
        running.id,
        was=Place(0, running.last_event),
        offset=sum(len(line) + 1 for line in lines),
        batch=[Occurrence(NOW, translate(line)) for line in lines],
        changed=(),
    )
    record.finish(store, running.id, 0)
    return deploy.find(store, running.id)


def test_the_folder_is_as_ansible_runner_leaves_it(
    store: Store, settings: Settings
) -> None:
    events = [make_runner_line(counter=n, stdout=f"line {n}") for n in (1, 2, 10)]
    deployment = end(store, settings, *events, b"raw \xff")

    artifacts.write(store, settings, deployment)

    folder = settings.runs / str(deployment.id) / "artifacts" / str(deployment.id)
    assert "successful" == (folder / "status").read_text()
    assert "0" == (folder / "rc").read_text()
    assert b"line 1\nline 2\nline 10\nraw \xff\n" == (folder / "stdout").read_bytes()
    for line in events:
        event = json.loads(line)
        path = folder / "job_events" / f"{event['counter']}-{UUID}.json"
        assert event == json.loads(path.read_text())
    assert not (folder / "command").exists()
    assert [
        *(f"job_events/{n}-{UUID}.json" for n in (1, 2, 10)),
    ] == [name for name, _ in artifacts.listing(store, settings, deployment)][-3:]


def test_a_deployment_that_goes_on_has_none(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)

    assert [] == artifacts.listing(store, settings, running)
    assert [] == artifacts.tree(store, settings, running, 0, 10)
    with pytest.raises(NotFound, match="has no artifacts"):
        artifacts.archive(store, settings, running)
    assert not artifacts.artifacts_of(settings, running.id).exists()


def test_one_that_never_ran_has_no_rc(store: Store, settings: Settings) -> None:
    running = start_deployment(store, settings)
    record.fail(store, running.id, "gone")

    found = artifacts.listing(store, settings, deploy.find(store, running.id))

    assert ["status", "stderr", "stdout"] == [name for name, _ in found]


def test_an_abandoned_draft_does_not_prevent_the_artifacts(
    store: Store, settings: Settings
) -> None:
    deployment = end(store, settings, b"text")
    folder = artifacts.artifacts_of(settings, deployment.id)
    (folder.parent / f"{folder.name}.half" / "job_events").mkdir(parents=True)

    names = [name for name, _ in artifacts.listing(store, settings, deployment)]

    assert ["rc", "status", "stderr", "stdout"] == names


def test_several_may_ask_for_it_at_once(store: Store, settings: Settings) -> None:
    """The worker writes it, and somebody opens the page on this very host."""
    lines = [make_runner_line(counter=n, uuid=f"{UUID}_{n}") for n in range(1, 300)]
    deployment = end(store, settings, *lines)
    begin = threading.Barrier(4)
    found: list[int] = []

    def ask() -> None:
        begin.wait()
        found.append(len(artifacts.listing(store, settings, deployment)))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [303] * 4 == found
    folder = artifacts.artifacts_of(settings, deployment.id)
    assert [folder] == list(folder.parent.iterdir())


def test_many_requests_make_a_missing_folder_once(
    store: Store, settings: Settings
) -> None:
    """40 requests made it 15 times at once, and no other request was answered."""
    numbers = [end(store, settings, b"text").id for _ in "12"]
    secret = tokens.create_token(store, ROOT, "reader", [Permission.VIEW])
    app = make_web(settings)
    client = Client(app, secret)
    reads: list[str] = []

    @event.listens_for(app.state.deps.store.engine, "before_cursor_execute")
    def note(_c: Any, _s: Any, statement: str, *_: Any) -> None:
        if "octet_length" in statement:
            reads.append(statement)

    async def ask(number: int, times: int) -> None:
        async def once() -> None:
            status, _ = await client.request(f"/api/v1/deployments/{number}/artifacts")
            assert 200 == status

        async with anyio.create_task_group() as group:
            for _ in range(times):
                group.start_soon(once)

    anyio.run(ask, numbers[0], 1)
    for_one = len(reads)
    anyio.run(ask, numbers[1], 60)

    assert 2 * for_one == len(reads) > 0
    app.state.deps.store.close()


@pytest.mark.parametrize(
    "name",
    ["../../journal", "/etc/passwd", "job_events", "", ".", "stdout/", "./stdout",
     "job_events/../stdout", "a\0b", "STDOUT"],
)  # fmt: skip
def test_only_files_of_the_folder_are_given(
    store: Store, settings: Settings, name: str
) -> None:
    deployment = end(store, settings, b"text")
    (settings.runs / str(deployment.id) / "journal").parent.mkdir(parents=True)
    (settings.runs / str(deployment.id) / "journal").write_text("secret")

    with pytest.raises(NotFound, match="has no artifact"):
        artifacts.file(store, settings, deployment, name)


def test_the_tree_has_a_window_of_each_folder(store: Store, settings: Settings) -> None:
    events = [make_runner_line(counter=n) for n in range(1, 12)]
    deployment = end(store, settings, *events)

    top, of_events = artifacts.tree(store, settings, deployment, 4, 5)

    assert ("", ["rc", "status", "stderr", "stdout"]) == (
        top.name, [name for _, name, _ in top.files],
    )  # fmt: skip
    assert ("job_events", 11, 5) == (of_events.name, of_events.count, of_events.first)
    assert [f"job_events/{n}-{UUID}.json" for n in range(5, 10)] == [
        path for path, _, _ in of_events.files
    ]


def test_the_archive_holds_every_file_as_it_is(
    store: Store, settings: Settings
) -> None:
    deployment = end(store, settings, make_runner_line(counter=1), b"text \xff")

    packed = b"".join(artifacts.archive(store, settings, deployment))

    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        members = tar.getmembers()
        found = {
            member.name.removeprefix(f"hello-{deployment.id}/"): content.read()
            for member in members
            if (content := tar.extractfile(member))
        }
    folder = artifacts.artifacts_of(settings, deployment.id)
    assert {
        name: (folder / name).read_bytes()
        for name, _ in artifacts.listing(store, settings, deployment)
    } == found
    assert {(0, "", 0o644)} == {(m.uid, m.uname, m.mode) for m in members}


def test_a_link_out_of_the_folder_is_not_followed(
    store: Store, settings: Settings
) -> None:
    deployment = end(store, settings, b"text")
    artifacts.write(store, settings, deployment)
    folder = artifacts.artifacts_of(settings, deployment.id)
    (folder / "link").symlink_to("/etc/hostname")

    with pytest.raises(NotFound):
        artifacts.file(store, settings, deployment, "link")


def test_a_file_of_the_folder_is_given(store: Store, settings: Settings) -> None:
    deployment = end(store, settings, b"text")

    path = artifacts.file(store, settings, deployment, "stdout")

    assert b"text\n" == path.read_bytes()


# What a kill, a full disk or a run leaves


def test_what_a_killed_process_left_is_removed_and_what_is_written_stays(
    store: Store, settings: Settings
) -> None:
    with staging.draft(settings, "1") as written:
        left = written.parent / "2.left"
        (left / "job_events").mkdir(parents=True)

        retention.prune(store, settings)

        assert [written] == list(written.parent.iterdir())
    assert [] == list(written.parent.iterdir())


def test_a_full_disk_is_said_on_pages_and_by_the_api(
    store: Store, settings: Settings, client_for: ClientFor
) -> None:
    deployment = end(store, settings, b"text")
    client = client_for((Permission.VIEW,))
    page = f"/deployments/{deployment.id}/artifacts"
    with small_disk(settings.runs, 1):
        filler = fill(settings.runs)

        refused = [
            client.get(path) for path in (page, f"/api/v1{page}", f"{page}/stdout")
        ]
        filler.unlink()
        found = client.get(page)

    assert [507] * 3 == [answer.status_code for answer in refused]
    for answer in refused:
        assert f"the disk under {settings.runs} is full" in answer.text
    assert 200 == found.status_code


def shape_by_link(top: Path) -> None:
    top.symlink_to("/etc")


def shape_by_folder(top: Path) -> None:
    folder = top / top.parent.name / "job_events"
    folder.mkdir(parents=True)
    (folder / "1-forged.json").write_text("{}")
    (folder / "loop").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    folder.chmod(0)


@pytest.mark.parametrize("shape", [shape_by_link, shape_by_folder])
def test_artifacts_come_from_recorded_events_alone(
    store: Store, settings: Settings, shape: Callable[[Path], None]
) -> None:
    """Whatever a run with FastDeploy's own user has put into its own folder."""
    deployment = end(store, settings, b"text")
    run = settings.runs / str(deployment.id)
    run.mkdir(parents=True)
    shape(run / "artifacts")

    artifacts.discard(settings, deployment.id)

    names = [name for name, _ in artifacts.listing(store, settings, deployment)]
    assert ["rc", "status", "stderr", "stdout"] == names


def test_a_loop_of_links_is_not_an_artifact(store: Store, settings: Settings) -> None:
    deployment = end(store, settings, b"text")
    artifacts.write(store, settings, deployment)
    (artifacts.artifacts_of(settings, deployment.id) / "loop").symlink_to("loop")

    with pytest.raises(NotFound):
        artifacts.file(store, settings, deployment, "loop")
