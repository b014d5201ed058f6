"""The runner as a process: real ansible-playbook, real signals, real files."""

import base64
import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from ansible_runner import Runner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from testing.paths import ROOT
from testing.processes import living
from testing.runner import PATIENCE, Outcome, Service, short_folder
from testing.waiting import eventually

TOKEN = 'tok "quoted" pässword\\'


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service in a folder of its own; no run leaves its private folder behind."""
    with short_folder() as temp:
        made = Service(tmp_path, temp)
        yield made
        made.end()
        # A module that is killed leaves the folder into which Ansible has unpacked it.
        assert [] == [path for path in temp.iterdir() if "_payload_" not in path.name]


def of_this_run(service: Service) -> list[psutil.Process]:
    """The processes whose environment belongs to a run of this service."""
    return living(lambda process: process.environ().get("HOME") == str(service.home))


def of_ansible(service: Service) -> list[psutil.Process]:
    """The processes of ansible-playbook that belong to a run of this service."""
    return living(
        lambda process: (
            process.environ().get("HOME") == str(service.home)
            and "ansible-playbook" in " ".join(process.cmdline())
        )
    )


def assert_all_ended(service: Service) -> None:
    """A process that was killed needs a moment to end."""
    eventually(lambda: not of_this_run(service))


def sleeping(service: Service) -> bool:
    for process in of_this_run(service):
        with contextlib.suppress(psutil.Error):
            if process.cmdline()[:2] == ["sleep", "987.6"]:
                return True
    return False


# Events


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
                # Of a play, ours name the hosts too.
                frozenset(event["event_data"]) - {"hosts"},
                frozenset(event["event_data"].get("res") or ()),
            )
            for event in events
            # A warning outside of every task is text to us.
            if event["event"] not in {"runner_on_async_poll", "verbose", "warning"}
        ]

    assert shape(theirs) == shape(everything.events)


# The outcome


@pytest.mark.parametrize(
    ("playbook", "code", "says"),
    [
        pytest.param("failing.yml", 2, "undefined_variable", id="undefined"),
        pytest.param("syntax.yml", 4, "syntax.yml", id="syntax"),
        pytest.param("nobody.yml", 0, "no hosts matched", id="nobody"),
    ],
)
def test_the_exit_code_is_ansibles_own(
    service: Service, playbook: str, code: int, says: str
) -> None:
    service.define(playbook)

    outcome = service.run()

    assert code == outcome.code
    assert says in outcome.display + outcome.text
    assert ("successful" if code == 0 else "failed") == outcome.statuses[-1]


def test_an_unreachable_host_is_reported(service: Service) -> None:
    service.define("unreachable.yml", inventory="unreachable.hosts.yml")

    outcome = service.run()

    assert 4 == outcome.code
    assert outcome.named("runner_on_unreachable", "Ping")
    assert {"nowhere": 1} == outcome.named("playbook_on_stats")[0]["event_data"]["dark"]


def test_a_slow_reader_loses_nothing(service: Service) -> None:
    service.define("many.yml")
    process = service.start(subprocess.PIPE)
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 4096)
    journal = bytearray()
    # From here on, the runner waits for us again and again: a page is all there is.
    eventually(lambda: of_ansible(service), PATIENCE)
    while chunk := os.read(pipe, 4096):
        journal += chunk
    process.stdout.close()
    outcome = Outcome(process.wait(PATIENCE), bytes(journal))

    assert 0 == outcome.code
    assert 120 == len(outcome.named("runner_item_on_ok"))
    assert "successful" == outcome.statuses[-1]


def test_a_full_disk_does_not_change_the_outcome(service: Service) -> None:
    service.define("failing.yml")
    with Path("/dev/full").open("wb") as full:
        failed = service.start(full).wait(PATIENCE)
    service.define("nobody.yml")
    with Path("/dev/full").open("wb") as full:
        succeeded = service.start(full).wait(PATIENCE)

    assert (2, 0) == (failed, succeeded)


# Ending a run


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_cancels_and_leaves_nobody(
    service: Service, number: signal.Signals
) -> None:
    service.define("sleep.yml")
    journal = service.home / "journal"
    with journal.open("wb") as stdout:
        process = service.start(stdout)
    eventually(lambda: sleeping(service), PATIENCE)

    process.send_signal(number)
    code = process.wait(PATIENCE)

    assert_all_ended(service)
    outcome = Outcome(code, journal.read_bytes())
    assert 254 == code
    assert ["starting", "running", "canceled"] == outcome.statuses


def test_a_cancel_comes_through_at_any_moment(service: Service) -> None:
    """Also while the program or ansible-playbook is only starting."""
    service.define("sleep.yml")
    for begun in ("app.runner", "ansible-playbook"):
        journal = service.home / "journal"
        with journal.open("wb") as stdout:
            process = service.start(stdout)
        if begun == "app.runner":
            eventually(lambda: list(service.temp.iterdir()))
        else:
            eventually(lambda: of_ansible(service), PATIENCE)

        process.terminate()

        assert 254 == process.wait(PATIENCE)
        assert_all_ended(service)
        assert "canceled" == Outcome(254, journal.read_bytes()).statuses[-1]


def test_a_run_that_exceeds_its_timeout_is_ended(service: Service) -> None:
    service.define("sleep.yml", timeout=2)

    outcome = service.run()

    assert 254 == outcome.code
    assert "timeout" == outcome.statuses[-1]
    assert_all_ended(service)


def test_ansible_gets_no_descriptor_of_its_callers(service: Service) -> None:
    """The lock of a run is one: a process that has it open keeps the run alive."""
    service.define("sleep.yml")
    lock = service.home / "lock"
    with (service.home / "journal").open("wb") as stdout, lock.open("wb") as held:
        process = service.start(stdout, pass_fds=[held.fileno()])
    eventually(lambda: sleeping(service), PATIENCE)

    holders = living(
        lambda found: (
            found.environ().get("HOME") == str(service.home)
            and str(lock) in {file.path for file in found.open_files()}
        )
    )
    process.terminate()

    assert [process.pid] == [holder.pid for holder in holders]
    assert 254 == process.wait(PATIENCE)


def test_ansible_ends_when_its_runner_is_killed(service: Service) -> None:
    """Nobody would see what it does; it ends at its next event."""
    service.define("many.yml")
    process = service.start(subprocess.DEVNULL)
    eventually(lambda: len(of_this_run(service)) > 1)

    process.kill()
    process.wait(PATIENCE)

    eventually(lambda: not of_this_run(service))
    for left in service.temp.iterdir():
        shutil.rmtree(left)


# Secrets


SECRETS: dict[str, dict[str, Any]] = {
    "properties": {
        "token": {"type": "string", "writeOnly": True},
        "pin": {"type": "integer", "writeOnly": True},
    }
}


def test_secrets_reach_no_line_of_the_journal(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch(secret=SECRETS["properties"], token=TOKEN, pin=918273)

    outcome = service.run()

    forms = {
        TOKEN,
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    }
    forms |= {json.dumps(form)[1:-1] for form in forms}
    assert [] == [form for form in forms if form.encode() in outcome.journal]
    assert b"918273" not in outcome.journal
    assert b"canary" not in outcome.journal
    assert 2 == outcome.code
    assert outcome.named("runner_on_ok", "Use ******** in a name")
    [shown, *_] = outcome.named("runner_on_ok", "Print the token")
    assert "********" == shown["event_data"]["res"]["msg"][0]
    assert '{"inner": "********"}' == shown["event_data"]["res"]["msg"][1]


def test_a_secret_that_is_part_of_the_journal_breaks_no_line(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch(secret=SECRETS["properties"], token="event", pin=2026)

    outcome = service.run()

    events = outcome.events
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert all(line.startswith(b"{") for line in outcome.lines)
    assert outcome.named("runner_on_failed", "Fail with the token")


@pytest.mark.parametrize("token", [TOKEN, "01234567", {"any": ["hunter2222"]}])
def test_a_secret_is_masked_and_logged_nowhere_whatever_its_schema(
    service: Service, token: Any
) -> None:
    """The worker says which variables are secret; the runner needs no schema."""
    service.define("secret_log.yml", variables={"properties": {"token": {}}})
    (service.folder / "ansible.cfg").write_text("[defaults]\nlog_path = run.log\n")
    service.launch(secret=["token"], token=token)

    outcome = service.run()

    assert 0 == outcome.code
    [shown] = outcome.named("runner_on_ok", "Print the token")
    masked = {"any": ["********"]} if isinstance(token, dict) else "********"
    assert masked == shown["event_data"]["res"]["msg"]
    assert "syslog=True" in outcome.display
    assert "log_path" in outcome.text
    assert not (service.folder / "run.log").exists()


def test_nothing_of_the_environment_or_the_variables_is_seen(service: Service) -> None:
    variables = {"properties": {"plain": {"type": "string"}}}
    service.define("environment.yml", variables=variables)
    service.launch(plain="in-a-file-only")
    env = {"CANARY": "canary", "ANSIBLE_CACHE_PLUGIN": "jsonfile", "LC_TIME": "C.UTF-8",
           "SSL_CERT_FILE": "/kept", "FASTDEPLOY_DATABASE_URL": "canary"}  # fmt: skip

    outcome = service.run(env)

    assert b"canary" not in outcome.journal
    assert b"in-a-file-only" not in outcome.journal
    assert b"FASTDEPLOY_EVENT_PIPE" not in outcome.journal
    printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
    assert {"SSL_CERT_FILE=/kept", "LC_TIME=C.UTF-8"} <= set(printed["stdout_lines"])
    assert all(
        {"status", "runner_ident"} == found.keys()
        for found in outcome.objects
        if "status" in found
    )


def test_settings_are_applied_and_a_pause_that_was_not_found_does_not_wait(
    service: Service,
) -> None:
    service.define("environment.yml")

    outcome = service.run()

    assert 0 == outcome.code
    assert "cache=memory" in outcome.display
    assert outcome.named("runner_on_ok", "Pause")
    place = outcome.named("runner_on_ok", "the place")[0]["event_data"]["res"]
    assert str(service.folder) == place["stdout_lines"][-1]


@pytest.mark.parametrize("config", ["service", "home"])
def test_a_service_without_inventory_uses_the_one_of_ansible_cfg(
    service: Service, config: str
) -> None:
    service.define("hosts_of_all.yml")
    inventory = service.folder / "inventories" / "production"
    (inventory / "group_vars").mkdir(parents=True)
    hosts = {"web1": {"ansible_connection": "local"}}
    service.write(inventory / "hosts.json", {"all": {"hosts": hosts}})
    service.write(inventory / "group_vars" / "all.json", {"stage": "production"})
    names = {
        "service": service.folder / "ansible.cfg",
        "home": service.home / ".ansible.cfg",
    }
    names[config].write_text(f"[defaults]\ninventory = {inventory} ; of this stage\n")

    outcome = service.run()

    assert "web1 production" in outcome.display
    assert "localhost" not in outcome.display


def test_a_service_without_any_inventory_runs_on_this_host(service: Service) -> None:
    service.define("hosts_of_all.yml")
    (service.folder / "ansible.cfg").write_text("[defaults]\nforks = 3\n")

    assert "localhost without a stage" in service.run().display


def test_the_environment_of_config_json_reaches_the_playbook(service: Service) -> None:
    environment = {"HTTPS_PROXY": "http://of-the-service", "DEPLOY_STAGE": "1.10"}
    service.define("environment.yml", environment=environment)

    outcome = service.run({"HTTPS_PROXY": "http://of-the-worker", "NO_PROXY": "local"})

    printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
    assert {
        "HTTPS_PROXY=http://of-the-service", "DEPLOY_STAGE=1.10", "NO_PROXY=local"
    } <= set(printed["stdout_lines"])  # fmt: skip


def test_a_variable_is_data_and_never_a_template(service: Service) -> None:
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    value = "{{ lookup('pipe', 'echo pwned') }} \u2028 \x7f \N{SNAKE} 'x': #"
    service.launch(forged=value)

    outcome = service.run()

    [shown, *_] = outcome.named("runner_on_ok", "Forge in a name")
    assert value == shown["event_data"]["res"]["msg"]


_TEXTS = (
    st.text(st.characters(codec="utf-8"), max_size=20)
    # What YAML takes for something else, and what Jinja evaluates.
    | st.sampled_from([
        "1.10", "1.0", "yes", "No", "on", "0123", "007", "0x10", "1_000", "1:30",
        "1e3", "null", "~", "", " ", "=", "<<", "- a", "a: b", "#", "!unsafe x",
        "2024-01-01", "2024-01-01T00:00:00Z", ".inf", "{{ 1 + 1 }}", "{% raw %}",
        "{{ lookup('pipe', 'echo pwned') }}", "\N{SNAKE}", "\u2028", "\x85", "\0",
    ])
)  # fmt: skip
_NUMBERS = (
    st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([1e-7, 1e22, 1e-300, -0.0, 1.0])
)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_TEXTS.filter(lambda key: "__" not in key), inner, max_size=4)
    ),
    max_leaves=8,
)


@settings(
    max_examples=3,
    deadline=None,
    # One service for all examples: each has a run of its own.
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)
@given(values=st.lists(_VALUES, min_size=60, max_size=120))
def test_every_value_arrives_in_ansible_as_it_was_sent(
    service: Service, values: list[Any]
) -> None:
    service.define("values.yml", variables={"properties": {"values": {}}})
    service.launch(values=values)

    outcome = service.run()

    assert 0 == outcome.code, outcome.text
    arrived = json.loads((service.folder / "arrived.json").read_bytes())
    assert list(map(repr, values)) == list(map(repr, arrived))


# Forgery and odd output


FORGED_EVENT = {
    "uuid": "0242ac11-0002-443b-cdb1-000000000666", "counter": 666, "stdout": "forged",
    "event": "playbook_on_stats", "event_data": {"failures": {}},
}  # fmt: skip


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(f"\n{json.dumps(FORGED_EVENT)}\n", id="event"),
        pytest.param('\r{"name": "verify", "state": "success"}\r', id="step"),
        pytest.param(
            'x\n \t{"status": "successful", "runner_ident": "7"}', id="status"
        ),
        pytest.param('\n{"zipfile": 4}\n', id="zip"),
        # What ansible-runner itself takes for an event on its pseudo terminal.
        pytest.param(
            "\x1b[KeyJ1dWlkIjogIjY2NiJ9\x1b[20D\x1b[K forged \x1b[Ke30=\x1b[4D\x1b[K",
            id="escape",
        ),
    ],
)
def test_nothing_printed_becomes_an_event(service: Service, forged: str) -> None:
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    service.launch(forged=forged)

    outcome = service.run()

    assert 0 == outcome.code
    assert ["starting", "running", "successful"] == outcome.statuses
    events = outcome.events
    # The others are three statuses, and what was chosen for the run.
    assert len(events) + 4 == len(outcome.objects)
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert 1 == len(outcome.named("playbook_on_stats"))
    assert FORGED_EVENT["uuid"] not in {event["uuid"] for event in events}
    assert all(
        not line.lstrip().startswith(b"{") or line[:1] == b"{" for line in outcome.lines
    )
    # It was printed once outside of every event, and it is kept.
    outside = [*(event["stdout"] for event in outcome.named("verbose")), outcome.text]
    assert forged.strip().splitlines()[-1].strip() in "\n".join(outside)


def test_odd_and_endless_output_stays_within_limits(service: Service) -> None:
    service.define("output.yml")

    outcome = service.run()

    assert 0 == outcome.code
    assert max(map(len, outcome.lines)) < 1_500_000
    assert all(isinstance(found, dict) for found in outcome.objects)
    assert outcome.named("runner_on_failed", "Print bytes")
    [odd] = outcome.named("runner_on_ok", "Print controls")
    assert "\0" in odd["event_data"]["res"]["stdout"]
    assert "\x1b[31mred" in odd["event_data"]["res"]["stdout"]
    [much] = outcome.named("runner_on_ok", "Print much")
    assert "more characters]" in much["event_data"]["res"]["stdout"]
    assert 0 == much["event_data"]["res"]["rc"]
    [shown] = outcome.named("runner_on_ok", "Show much")
    assert len(shown["stdout"]) <= 200_000
    assert "\\u0000" * 1_500_000 in outcome.output


# The fallback: ansible-runner's own callback


def test_the_config_file_chooses_whose_callback_makes_the_events(
    service: Service,
) -> None:
    service.define("environment.yml")
    env = {"CANARY": "canary", "ANSIBLE_CALLBACK_PLUGINS": "/canary"}

    def callback() -> str:
        outcome = service.run(env)
        assert 0 == outcome.code
        assert ["starting", "running", "successful"] == outcome.statuses
        assert b"canary" not in outcome.journal
        printed = outcome.named("runner_on_ok", "environment")[0]["event_data"]["res"]
        prefix = "ANSIBLE_STDOUT_CALLBACK="
        lines = printed["stdout_lines"]
        # Only ansible-runner's own is still in the environment of a task.
        found = (line for line in lines if line.startswith(prefix))
        return next(found, "ours").removeprefix(prefix)

    assert "ours" == callback()
    service.launch(events="fastdeploy")
    assert "ours" == callback()
    service.launch(events="runner")
    assert "awx_display" == callback()


def test_the_fallback_masks_secrets_too(service: Service) -> None:
    service.define("secrets.yml", variables=SECRETS)
    service.launch("runner", SECRETS["properties"], token=TOKEN, pin=918273)

    outcome = service.run()

    assert 2 == outcome.code
    assert TOKEN.encode() not in outcome.journal
    assert json.dumps(TOKEN)[1:-1].encode() not in outcome.journal
    assert b"918273" not in outcome.journal
    assert b"canary" not in outcome.journal
    assert outcome.named("runner_on_ok", "Use ******** in a name")
    assert all(line.startswith(b"{") for line in outcome.lines)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param([1], id="list"),
        pytest.param({"uuid": "\0"}, id="uuid"),
        pytest.param({"uuid": "1", "event": "x", "status": "failed"}, id="status"),
    ],
)
def test_a_forged_event_stops_no_run_with_the_fallback(
    service: Service, event: object
) -> None:
    """It may cost the events that follow; never the outcome, never the text."""
    service.define("forge.yml", variables={"properties": {"forged": {}}})
    coded = base64.b64encode(json.dumps(event).encode()).decode()
    service.launch(
        events="runner",
        forged=f"\x1b[K{coded}\x1b[{len(coded)}D\x1b[K forged \x1b[Ke30=\x1b[4D\x1b[K",
    )

    outcome = service.run()

    assert 0 == outcome.code
    assert ["starting", "running", "successful"] == [
        found["status"]
        for found in outcome.objects
        if not found.keys() & {"event", "speed"}
    ]
    events = outcome.events
    assert list(range(1, len(events) + 1)) == [event["counter"] for event in events]
    assert "PLAY RECAP" in outcome.display


# Refusals


def refuse(service: Service) -> str:
    """Run; return the sentence that it was refused with."""
    outcome = service.run()

    assert 64 == outcome.code
    assert 1 == len(outcome.lines)
    assert b"Traceback" not in outcome.journal
    return outcome.text


@pytest.mark.parametrize("name", ["ansible_connection", "other", 'x\n{"event": 1}'])
def test_a_variable_that_the_service_does_not_name_is_refused(
    service: Service, name: str
) -> None:
    service.define("nobody.yml", variables={"properties": {"known": {}}})
    service.launch(None, (), **{"known": 1, name: "canary"})

    sentence = refuse(service)

    assert repr(name) in sentence
    assert "canary" not in sentence


def test_a_playbook_that_asks_somebody_is_refused(service: Service) -> None:
    service.define("asking.yml")

    assert 'asking.yml:5 asks for "answer"' in refuse(service)


def test_a_playbook_does_not_ask_for_a_variable_of_the_launch(service: Service) -> None:
    service.define("asking.yml", variables={"properties": {"answer": {}}})
    service.launch(answer="me")

    outcome = service.run()

    assert 0 == outcome.code
    assert "answer=me" in outcome.display


@pytest.mark.parametrize(
    ("definition", "says"),
    [
        pytest.param({"playbook": "gone.yml"}, "missing", id="missing"),
        pytest.param({"playbook": "../outside.yml"}, "outside", id="dots"),
        pytest.param({"playbook": "link.yml"}, "outside", id="symlink"),
        pytest.param({"playbook": "/etc/passwd"}, "outside", id="absolute"),
        pytest.param({"playbook": "nobody.yml", "inventory": "link.yml"}, "outside",
                     id="inventory"),
        pytest.param({"playbook": 42}, "must be a text", id="number"),
        pytest.param({"deploy_script": "deploy.py"}, '"playbook"', id="script"),
        pytest.param({"playbook": "nobody.yml", "timeout": "x"}, "timeout", id="time"),
        pytest.param({"playbook": "nobody.yml", "name": "else"}, "else", id="name"),
        pytest.param({"playbook": "nobody.yml", "variables": []}, "Schema", id="vars"),
    ],
)  # fmt: skip
def test_a_bad_definition_is_refused(
    service: Service, definition: dict[str, Any], says: str
) -> None:
    service.define("nobody.yml")
    (service.folder.parent / "outside.yml").write_text("[]")
    (service.folder / "link.yml").symlink_to("../outside.yml")
    service.write(service.folder / "config.json", {"name": "demo", **definition})

    assert says in refuse(service)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("", "not valid JSON", id="empty"),
        pytest.param('{"canary"', "not valid JSON", id="torn"),
        pytest.param("[42]", "JSON object", id="list"),
        pytest.param('{"deployment_id": "../7"}', "deployment_id", id="id"),
        pytest.param('{"deployment_id": 7, "service_name": "b"}', "demo", id="service"),
        pytest.param(
            '{"deployment_id": 7, "service_name": "demo", "events": "canary"}',
            "fastdeploy, runner: correct FASTDEPLOY_EVENTS",
            id="events",
        ),
    ],
)
def test_a_bad_config_file_is_refused(
    service: Service, content: str, says: str
) -> None:
    service.define("nobody.yml")
    service.config = service.config.with_name("other.json")
    service.config.write_text(content)

    sentence = refuse(service)

    assert says in sentence
    assert "canary" not in sentence


@pytest.mark.parametrize(
    ("events", "programs", "prompts", "says"),
    [
        pytest.param("fastdeploy", [], False, "install ansible-core", id="core"),
        pytest.param(
            "fastdeploy", ["ansible-playbook"], True, "no module yaml", id="yaml"
        ),
        pytest.param(
            "runner", ["ansible-playbook"], False, "install ansible-runner", id="runner"
        ),
    ],
)
def test_a_missing_ansible_is_refused(
    service: Service, events: str, programs: list[str], says: str, *, prompts: bool
) -> None:
    """A bare interpreter with nothing but the runner's folder."""
    service.define("nobody.yml")
    if not prompts:
        for name in ("asking.yml", "pausing.yml"):
            (service.folder / name).unlink()
    service.launch(events)
    bare = service.home / "bare"
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", bare], check=True, timeout=60
    )
    for name in programs:
        (bare / "bin" / name).touch(0o755)
    process = subprocess.run(
        [bare / "bin" / "python", "-m", "app.runner", "--service", service.folder,
         "--config", service.config],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={"PATH": "/nonexistent", "TMPDIR": str(service.temp)},
    )  # fmt: skip

    assert 64 == process.returncode
    assert says in process.stdout
    assert 1 == len(process.stdout.splitlines())
    assert "" == process.stderr


def test_the_folder_works_alone(service: Service) -> None:
    """Without the rest of FastDeploy, as it is installed for user deploy."""
    service.define("failing.yml")
    alone = service.home / "lib"
    shutil.copytree(ROOT / "app" / "runner", alone / "app" / "runner")
    (alone / "app" / "__init__.py").touch()

    outcome = service.run(cwd=alone)

    assert 2 == outcome.code
    assert outcome.named("runner_on_failed")
