"""The journal of a run has every event of Ansible, as ansible-runner writes it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible_runner import Runner

from testing.equal_events import OURS
from testing.runner import Outcome, Service, short_folder


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One run of a playbook that has every kind of event."""
    with short_folder() as temp:
        return run_everything(Service(tmp_path_factory.mktemp("everything"), temp))


def run_everything(service: Service) -> Outcome:
    service.define("everything.yml", inventory="two.json")
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {"alpha": local, "beta": local}
    service.write(service.folder / "two.json", {"all": {"hosts": hosts}})
    return service.run()


def test_a_run_reports_every_kind_of_event(everything: Outcome) -> None:
    expected = {
        "playbook_on_start", "playbook_on_play_start", "playbook_on_task_start",
        "playbook_on_include", "playbook_on_notify", "playbook_on_no_hosts_matched",
        "playbook_on_stats", "runner_on_start", "runner_on_ok", "runner_on_failed",
        "runner_on_skipped", "runner_on_async_ok", "runner_on_async_poll",
        "runner_on_file_diff", "runner_item_on_ok", "runner_retry",
    }  # fmt: skip

    assert expected <= {event["event"] for event in everything.events}
    assert 0 == everything.code
    assert ["starting", "running", "successful"] == everything.statuses
    assert "Could not match supplied host pattern" in everything.text


def test_counters_and_lines_are_contiguous(everything: Outcome) -> None:
    events = everything.events

    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    # A line of text between two events counts as well.
    line = 0
    for journal_line in everything.lines:
        found = json.loads(journal_line) if journal_line[:1] == b"{" else None
        if found is None:
            line += 1
        elif "event" in found:
            assert line == found["start_line"]
            line = found["end_line"]
    assert line > 100


def test_each_event_has_the_fields_of_ansible_runner(everything: Outcome) -> None:
    top = {"uuid", "counter", "stdout", "start_line", "end_line", "runner_ident",
           "event", "pid", "created", "event_data"}  # fmt: skip
    for event in everything.events:
        assert top <= event.keys() <= top | {"parent_uuid"}
        assert "7" == event["runner_ident"]

    [ok] = everything.named("runner_on_ok", "Greet")[:1]
    assert {
        "playbook", "playbook_uuid", "play", "play_uuid", "play_pattern", "task",
        "task_uuid", "task_action", "resolved_action", "task_args", "task_path", "host",
        "remote_addr", "res", "start", "end", "duration", "event_loop", "uuid",
    } == ok["event_data"].keys()  # fmt: skip
    assert ok["parent_uuid"] == ok["event_data"]["task_uuid"]
    assert "\x1b[0;32mok: [alpha]" in ok["stdout"]
    assert "hello from demo 7" == ok["event_data"]["res"]["msg"]


def test_serial_batches_repeat_a_task_with_a_number(everything: Outcome) -> None:
    first, second = (
        event["uuid"] for event in everything.named("playbook_on_task_start", "Greet")
    )

    assert f"{first}_2" == second


def test_results_say_changed_ignored_rescued(everything: Outcome) -> None:
    [ignored, *_] = everything.named("runner_on_failed", "go on")
    [loop, *_] = everything.named("runner_on_ok", "Loop")
    [diff, *_] = everything.named("runner_on_file_diff")
    stats = everything.named("playbook_on_stats")[0]["event_data"]

    assert ignored["event_data"]["ignore_errors"] is True
    assert loop["event_data"]["res"]["changed"] is True
    assert ["one", "two"] == [
        item["item"] for item in loop["event_data"]["res"]["results"]
    ]
    assert "new\n" == diff["event_data"]["diff"][0]["after"]
    assert {"alpha": 1, "beta": 1} == stats["ignored"] == stats["rescued"]
    # set_stats adds up over the hosts.
    assert {"answer": 84} == stats["artifact_data"]


def test_ansible_runner_reads_the_journal(everything: Outcome, tmp_path: Path) -> None:
    process = subprocess.run(
        [Path(sys.executable).with_name("ansible-runner"), "process", tmp_path],
        input="\n".join(map(json.dumps, [*everything.objects, {"eof": True}])).encode(),
        capture_output=True, check=False,
    )  # fmt: skip
    config = type("Config", (), {"artifact_dir": str(tmp_path / "artifacts")})()
    runner = Runner(config)

    assert 0 == process.returncode
    assert b"PLAY RECAP" in process.stdout
    assert len(everything.events) == len(list(runner.events))
    assert {"alpha": 1, "beta": 1} == runner.stats["rescued"]
    assert everything.named("runner_on_ok")
    assert list(runner.host_events("beta"))


def test_the_same_events_as_ansible_runner_itself(
    everything: Outcome, service: Service
) -> None:
    """Except for what only timing decides, kinds and places of events are equal."""
    service.define("everything.yml", inventory="two.json")
    local = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
    }
    hosts = {"alpha": local, "beta": local}
    service.write(service.folder / "two.json", {"all": {"hosts": hosts}})
    private = service.home / "private"
    private.mkdir()
    script = (
        "import ansible_runner, sys; ansible_runner.run(private_data_dir=sys.argv[1], "
        "project_dir=sys.argv[2], playbook='everything.yml', quiet=True, ident='x', "
        "inventory=sys.argv[2] + '/two.json', extravars={'fastdeploy_deployment_id': "
        "7, 'fastdeploy_deployment_service': 'demo'})"
    )
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    subprocess.run(
        [sys.executable, "-c", script, private, service.folder], check=True,
        env={"PATH": path, "HOME": str(service.home), "LANG": "C.UTF-8"},
    )  # fmt: skip
    files = (private / "artifacts" / "x" / "job_events").glob("*.json")
    theirs = sorted(
        (json.loads(file.read_text()) for file in files),
        key=lambda event: event["counter"],
    )

    def shape(events: list[dict[str, Any]]) -> list[tuple[object, ...]]:
        return [
            (
                event["event"],
                event["event_data"].get("task"),
                event["event_data"].get("host"),
                frozenset(event["event_data"]) - OURS,
                frozenset(event["event_data"].get("res") or ()),
            )
            for event in events
            # A warning outside of every task is text to us.
            if event["event"] not in {"runner_on_async_poll", "verbose", "warning"}
        ]

    assert shape(theirs) == shape(everything.events)
