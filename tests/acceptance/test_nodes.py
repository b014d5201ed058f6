"""Several hosts on one database: what runs where, and what happens when one dies."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from app.domain.deployment import Deployment, Status
from app.domain.node import NodeState, begun_queue_of
from app.settings import Settings
from app.usecases import nodes
from testing.command_line import assert_refused, command
from testing.installation import Installation, installed
from testing.postgres import Postgres
from testing.processes import Process
from testing.queueing import assert_one_after_another, jobs, start_alone, successful
from testing.runs import release
from testing.scripts import ALONE, HELLO
from testing.waiting import eventually


class TwoNodes:
    """An installation on node `here`, and a node `there` with folders of its own."""

    def __init__(self, here: Installation, folder: Path) -> None:
        self.here = here
        self.folder = folder
        self.services = folder / "services"
        self.services.mkdir(parents=True)

    @property
    def settings(self) -> Settings:
        return self.here.settings

    def write_there(self, name: str, script: str, **config: object) -> None:
        """Put a service into the other node's folder, which its worker has to read."""
        folder = self.services / name
        folder.mkdir()
        (folder / "deploy.py").write_text(script)
        (folder / "deploy.py").chmod(0o755)
        content = {"name": name, "deploy_script": "deploy.py", **config}
        (folder / "config.json").write_text(json.dumps(content))

    def write_on_both(self, name: str, script: str) -> None:
        self.write_there(name, script)
        self.here.write_service(name, script)

    def work_there(self) -> Process:
        """Start the worker of the other node."""
        return self.here.worker(
            FASTDEPLOY_NODE="there",
            FASTDEPLOY_VAR=str(self.folder),
            FASTDEPLOY_SERVICES=str(self.services),
        )

    def silence(self, name: str) -> None:
        """Let a node look as if nothing had been heard of it for an hour."""
        self._execute(
            "UPDATE nodes SET heartbeat_at = now() - interval '1h' WHERE name = %s",
            name,
        )
        self._execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1h' "
            "WHERE id IN (SELECT worker_id FROM procrastinate_jobs "
            "WHERE status = 'doing' AND queue_name LIKE %s)",
            f"%{name}",
        )

    def states(self) -> dict[str, NodeState]:
        return {node.name: node.state for node in nodes.list_nodes(self.here.store)}

    def _execute(self, statement: str, value: str) -> None:
        with psycopg.connect(self.settings.database) as connection:
            connection.execute(statement, [value])


@pytest.fixture
def two(postgres: Postgres, tmp_path: Path) -> Iterator[TwoNodes]:
    """Two nodes that share a database and a key, and nothing else."""
    with installed(postgres, tmp_path, secret_key="k" * 40) as made:
        yield TwoNodes(made, tmp_path / "there")


def test_a_service_runs_on_the_node_that_has_it(two: TwoNodes) -> None:
    two.here.write_service("only-here", HELLO)
    two.write_there("only-there", HELLO)
    two.here.worker()
    two.work_there()

    here, there = (two.here.run(name) for name in ("only-here", "only-there"))

    assert ("here", Status.SUCCESSFUL) == (here.node, here.status)
    assert ("there", Status.SUCCESSFUL) == (there.node, there.status)
    assert (two.folder / "runs" / str(there.id) / "journal").exists()
    assert not two.here.run_folder(there.id).exists()


def test_of_two_nodes_the_less_busy_one_is_chosen(two: TwoNodes) -> None:
    two.here.worker()
    start_alone(two.here, "alone")
    two.write_on_both("hello", HELLO)
    two.work_there()

    assert "there" == two.here.run("hello").node


def test_what_waits_for_a_node_that_died_is_taken_over(two: TwoNodes) -> None:
    two.write_on_both("hello", HELLO)
    here = two.here.worker()
    two.work_there()
    eventually(lambda: two.states() == dict.fromkeys(("here", "there"), "ready"))
    here.kill()
    number = two.here.launch("hello")
    assert [(number, "node here")] == jobs(two.settings)

    two.silence("here")

    assert "there" == successful(two.here, [number])[0].node


def test_what_waits_for_a_node_that_is_full_is_taken_over(
    postgres: Postgres, tmp_path: Path
) -> None:
    with installed(postgres, tmp_path, secret_key="k" * 40, concurrency=1) as made:
        two = TwoNodes(made, tmp_path / "there")
        made.worker()
        begun = start_alone(made, "alone")
        two.write_on_both("hello", HELLO)
        waiting = made.launch("hello")

        two.work_there()

        assert "there" == successful(made, [waiting])[0].node
        assert Status.RUNNING is made.status(begun)


def test_a_run_of_a_node_that_died_is_unreachable_until_it_is_back(
    two: TwoNodes,
) -> None:
    """Not failed, and nobody else's: it goes on."""
    here = two.here.worker()
    begun = start_alone(two.here, "alone")
    waiting = two.here.request("alone", priority=100)
    other = two.work_there()
    here.kill()
    two.silence("here")

    eventually(lambda: "job.stalled" in other.log)
    eventually(lambda: (begun, begun_queue_of("here")) in jobs(two.settings))
    assert (Status.RUNNING, "unreachable", "here") == seen(two, begun)
    assert ("here",) == two.here.view(waiting).unavailable_nodes
    assert {"here": "away", "there": "ready"} == two.states()

    two.here.worker()
    eventually(lambda: (Status.RUNNING, "running", "here") == seen(two, begun))
    release(two.here, "alone")

    ended = successful(two.here, [begun, waiting])
    assert_one_after_another(ended)
    assert "here" == ended[0].node
    assert not (two.folder / "runs" / str(begun)).exists()
    assert "job.failed" not in other.log


def seen(two: TwoNodes, number: int) -> tuple[Status, str, str | None]:
    found: Deployment = two.here.view(number).deployment
    return found.status, found.shown, found.node


def test_the_page_and_the_api_say_that_a_run_is_unreachable(two: TwoNodes) -> None:
    here = two.here.worker()
    begun = start_alone(two.here, "alone")
    here.kill()
    two.silence("here")
    two.here.web()

    with two.here.client() as client:
        told = client.get(f"/api/v1/deployments/{begun}").json()
        page = client.get(f"/deployments/{begun}").text
        listed = client.get("/nodes").text
        by_api = client.get("/api/v1/nodes").json()

    assert ("running", True) == (told["status"], told["unreachable"])
    assert "Node here is unreachable" in page
    assert "/nodes/forget?name=here" in listed
    assert [("here", "away", 1)] == [
        (node["name"], node["state"], node["running"]) for node in by_api
    ]


def test_a_node_that_stops_says_so(two: TwoNodes) -> None:
    worker = two.here.worker()
    assert {"here": "ready"} == two.states()

    assert 0 == worker.stop()

    assert {"here": "stopped"} == two.states()


def test_another_node_of_the_same_name_is_refused(two: TwoNodes) -> None:
    two.here.worker()

    second = two.here.start("worker", FASTDEPLOY_VAR=str(two.folder))

    assert 1 == second.wait()
    assert "another node is called here" in second.log
    assert "FASTDEPLOY_NODE" in second.log


def test_a_copy_of_a_nodes_folder_is_refused_and_its_runs_go_on(
    two: TwoNodes,
) -> None:
    """As a clone of the machine has one, or a snapshot that was restored."""
    two.here.worker()
    begun = start_alone(two.here, "alone")
    shutil.copytree(two.settings.var, two.folder / "copy")

    second = two.here.start("worker", FASTDEPLOY_VAR=str(two.folder / "copy"))

    assert 1 == second.wait()
    assert "another worker runs as node here" in second.log
    assert "FASTDEPLOY_NODE" in second.log
    assert Status.RUNNING is two.here.status(begun)
    release(two.here, "alone")
    successful(two.here, [begun])


def test_a_node_that_will_not_come_back_is_forgotten(two: TwoNodes) -> None:
    here = two.here.worker()
    begun = start_alone(two.here, "alone")
    two.write_there("alone", ALONE)
    (two.services / "alone" / "go").touch()
    two.work_there()
    waiting = two.here.launch("alone")
    assert_refused(
        command(two.here, "node", "forget", "here"),
        "node here is ready; stop its worker first",
    )
    here.kill()
    two.silence("here")

    said = command(two.here, "node", "forget", "here")

    assert 0 == said.returncode, said.stderr
    assert "ended as failed: 1" in said.stdout
    ended = two.here.view(begun).deployment
    assert Status.FAILED is ended.status
    assert "node here, where it ran, was removed" in ended.reason
    assert "there" == successful(two.here, [waiting])[0].node
    assert {"there": "ready"} == two.states()


def test_a_sync_reaches_every_node(two: TwoNodes) -> None:
    two.here.worker()
    two.work_there()
    two.write_there("late", HELLO)
    two.here.web()

    with two.here.client() as client:
        answer = client.post("/api/v1/services/sync")

    assert 200 == answer.status_code
    eventually(lambda: "late" in known(two))
    assert "there" == two.here.run("late").node


def known(two: TwoNodes) -> list[str]:
    with psycopg.connect(two.settings.database) as connection:
        return [name for (name,) in connection.execute("SELECT name FROM services")]
