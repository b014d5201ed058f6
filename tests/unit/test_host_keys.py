"""Host keys: known_hosts lines, reports in a journal, settings, arguments of ssh."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.domain import host_key_report
from app.domain.events import HostKeyRefused, HostKeysUnchecked, Output
from app.runner import host_key_settings, known_hosts, ssh_arguments
from app.runner.host_key_refusals import Refusals
from app.runner.host_keys import HostKeys
from app.runner.masking import Masker
from app.worker.translate import translate
from testing.factories import make_host_key

KEY = make_host_key()
REPORT: Mapping[str, Any] = {
    "problem": "unknown", "name": KEY.host, "hosts": ["web1"], "count": 1,
    "type": KEY.type, "key": KEY.key, "previous": "", "previous_place": "",
}  # fmt: skip


def line(**changed: Any) -> bytes:
    """Return a line of a journal with a report."""
    report = {"host_key": {**REPORT, **changed}, "runner_ident": "7"}
    return json.dumps(report).encode()


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        (f"web1 {KEY.type} {KEY.key}\n", ["web1"]),
        (f"# a comment\n\n web1\t{KEY.type} {KEY.key} root@web1\r\n", ["web1"]),
        (f"[web1]:22022,10.0.0.1,fe80::1 {KEY.type} {KEY.key}",
         ["[web1]:22022", "10.0.0.1", "fe80::1"]),
    ],
    ids=["plain", "comments", "list"],
)  # fmt: skip
def test_each_host_of_a_known_hosts_line_is_a_key(text: str, hosts: list[str]) -> None:
    found = known_hosts.parse(text)

    assert hosts == [each.host for each in found]
    assert {KEY.key} == {each.key for each in found}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("web1 ssh-ed25519", "write HOST TYPE KEY"),
        (f"@revoked web1 {KEY.type} {KEY.key}", "@revoked is for"),
        (f"|1|a=|b= {KEY.type} {KEY.key}", "the host is hashed"),
        (f"*.example.org {KEY.type} {KEY.key}", "is not a host"),
        (f"web1 ssh-rsa {KEY.key}", "is not a public key of type ssh-rsa"),
        (f"web1 ssh-dss {KEY.key}", "is not a type"),
        (f"web1 {KEY.type} {KEY.key[:-4]}\x1b[2J", "is not a public key"),
        (f"web1 {KEY.type} {KEY.key}AAAA{'A' * 5000}", "is not a public key"),
    ],
    ids=["short", "marker", "hashed", "pattern", "wrong-type", "dsa", "ansi", "long"],
)
def test_a_line_without_a_plain_key_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match="line 2: ") as refused:
        known_hosts.parse(f"web0 {KEY.type} {KEY.key}\n{text}\n")

    assert problem in str(refused.value)


def test_a_file_is_listed_with_its_markers_and_without_invalid_lines() -> None:
    content = f"@revoked a,b {KEY.type} {KEY.key}\n|1|x|y {KEY.type} {KEY.key}\nz z z\n"

    found = list(known_hosts.listed(content.encode() + b"\xff\0\n"))

    assert [("a,b", "@revoked"), ("a hashed name", "")] == [
        (each.hosts, each.marker) for each in found
    ]


def test_a_report_of_the_runner_survives_storage() -> None:
    event = translate(line(problem="changed", previous="SHA256:x", count=3))

    assert isinstance(event, HostKeyRefused)
    assert event.report.title == "web1 and 2 more"
    assert host_key_report.parse(event.report.as_json()) == event.report


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(line(key="A" * 68), id="garbage"),
        pytest.param(line(key="A" * 10_000_000), id="10-mb"),
        pytest.param(line(key=KEY.key + "\n"), id="newline"),
        pytest.param(line(type="ssh-rsa"), id="other-type"),
        pytest.param(line(name="web1,web2"), id="two-hosts"),
        pytest.param(line(name="*"), id="pattern"),
        pytest.param(line(hosts=["\x1b[2Jweb1"]), id="ansi"),
        pytest.param(line(hosts=[]), id="no-host"),
        pytest.param(line(hosts=["web"] * 1000), id="many-hosts"),
        pytest.param(line(hosts=[["web1"]]), id="nested"),
        pytest.param(line(count=True), id="count"),
        pytest.param(line(problem="fine"), id="problem"),
        pytest.param(line(previous="S" * 60), id="previous"),
        pytest.param(line(previous_place="\u202egpj"), id="direction"),
        pytest.param(b'{"host_key": []}', id="list"),
        pytest.param(b'{"unchecked_host_keys": "\\u001b[2J"}', id="setting"),
        pytest.param(b'{"unchecked_host_keys": {}}', id="setting-object"),
    ],
)
def test_an_invalid_report_is_output(forged: bytes) -> None:
    assert isinstance(translate(forged), Output)


def test_a_report_that_a_script_prints_or_that_has_a_secret_is_output() -> None:
    assert isinstance(translate(line(), script=True), Output)
    assert isinstance(translate(line(), Masker(["web1"])), Output)


def test_a_setting_that_turns_the_check_off_is_an_event() -> None:
    setting = "ansible.cfg sets host_key_checking=no"

    event = translate(json.dumps({"unchecked_host_keys": setting}).encode())

    assert event == HostKeysUnchecked(setting)


def test_a_changed_key_is_named_before_unknown_ones() -> None:
    unknown = host_key_report.parse(REPORT)
    changed = host_key_report.parse({**REPORT, "problem": "changed"})
    assert unknown
    assert changed

    reason = host_key_report.summarize([unknown, changed, unknown])

    assert reason.startswith("the host key of web1 has CHANGED")
    assert reason.endswith("; 2 more host keys refused")


@pytest.mark.parametrize(
    ("config", "settings"),
    [
        ({"defaults": {"host_key_checking": "True"}}, []),
        ({"defaults": {"host_key_checking": "no"}}, ["host_key_checking=no"]),
        ({"ssh_connection": {"host_key_checking": "accept-new"}},
         ["host_key_checking=accept-new"]),
        ({"ssh_connection": {"ssh_args": "-o StrictHostKeyChecking=no -C"}},
         ["StrictHostKeyChecking=no in ssh_args"]),
        ({"ssh_connection": {"ssh_common_args": '-o "StrictHostKeyChecking ask"'}},
         ["StrictHostKeyChecking=ask in ssh_common_args"]),
        ({"ssh_connection": {"ssh_args": "-o StrictHostKeyChecking=yes"}}, []),
    ],
    ids=["true", "no", "no-boolean", "ssh", "common", "yes"],
)  # fmt: skip
def test_settings_of_ansible_cfg_that_turn_the_check_off_are_found(
    config: Mapping[str, Mapping[str, str]], settings: list[str]
) -> None:
    assert settings == list(host_key_settings.in_config(config))


def test_variables_of_the_inventory_that_turn_the_check_off_are_found(
    tmp_path: Path,
) -> None:
    inventory = tmp_path / "inventories" / "live"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "hosts").write_text("web1 ansible_host_key_checking=False\n")
    common = "ansible_ssh_common_args: -o StrictHostKeyChecking=no\n"
    (inventory / "group_vars" / "all.yml").write_text(common)
    (tmp_path / "host_vars").mkdir()
    (tmp_path / "host_vars" / "web1.yml").write_text("ansible_port: 22\n")

    found = host_key_settings.in_variables(tmp_path, tmp_path / "site.yml", inventory)

    assert [
        "inventories/live/hosts sets ansible_host_key_checking=False",
        "inventories/live/group_vars/all.yml sets StrictHostKeyChecking=no",
    ] == sorted(found, reverse=True)


def test_options_of_ssh_come_after_those_of_the_service() -> None:
    env = ssh_arguments.extra_arguments(
        {"ANSIBLE_SCP_EXTRA_ARGS": "-l 100"},
        {"ssh_extra_args": "-C", "scp_extra_args": "-q"},
        ['GlobalKnownHostsFile=/etc/known "/tmp/a b"'],
    )

    ours = ["-o", 'GlobalKnownHostsFile=/etc/known "/tmp/a b"']
    assert shlex.split(env["ANSIBLE_SSH_EXTRA_ARGS"]) == ["-C", *ours]
    assert shlex.split(env["ANSIBLE_SFTP_EXTRA_ARGS"]) == ours
    assert shlex.split(env["ANSIBLE_SCP_EXTRA_ARGS"]) == ["-l", "100", *ours]


def test_a_key_on_the_way_is_not_offered(tmp_path: Path) -> None:
    """The ssh of a jump host doesn't have our options, so its message names nothing."""
    keys = Refusals(HostKeys(tmp_path, tmp_path / "service", ""))
    message = "Host key verification failed.\r\nConnection closed by UNKNOWN port 65535"
    data = {"host": "web1", "res": {"msg": message}}
    event = {"event": "runner_on_unreachable", "event_data": data}

    keys.see(json.dumps(event).encode())

    [report] = map(host_key_report.parse, keys.reports())
    assert "a host key on the way to web1, such as that of a jump host" in str(report)


def test_a_message_about_a_host_that_presented_no_key_offers_none(
    tmp_path: Path,
) -> None:
    """A host could print such a message about any other host."""
    keys = Refusals(HostKeys(tmp_path, tmp_path / "service", ""))
    message = (
        "Offending ED25519 key in /etc/passwd:1\r\n"
        "Host key for bank has changed and you have requested strict checking.\r\n"
        "Host key verification failed."
    )
    data = {"host": "web1", "res": {"msg": message}}
    event = {"event": "runner_on_unreachable", "event_data": data}

    keys.see(json.dumps(event).encode())
    keys.see(b'{"Host key verification failed.": [')
    keys.see(json.dumps({"event": "Host key verification failed."}).encode())

    [report] = keys.reports()
    assert (report["name"], report["key"], report["previous"]) == ("bank", "", "")


@pytest.mark.parametrize(
    ("known", "problem"),
    [("", "unknown"), (make_host_key(number=2).line, "changed"), (KEY.line, None)],
    ids=["unknown", "changed", "known"],
)
def test_a_key_is_looked_up_if_ansible_does_not_report_what_ssh_printed(
    tmp_path: Path, known: str, problem: str | None
) -> None:
    keys = HostKeys(tmp_path, tmp_path / "service", known)
    keys.files = [str(keys.accepted)]
    keys.recorder.file.write_text(f"{KEY.line}\n{make_host_key('web2').line}\n")
    message = (
        "Task failed: Data could not be sent to remote host 'web1'. Make sure this "
        "host can be reached over SSH: [Errno 32] Broken pipe"
    )
    data = {"host": "shop", "res": {"msg": message}}
    refusals = Refusals(keys)

    refusals.see(
        json.dumps({"event": "runner_on_unreachable", "event_data": data}).encode()
    )

    found = [(report["problem"], report["hosts"], report["key"])
             for report in refusals.reports()]  # fmt: skip
    assert found == ([(problem, ["shop"], KEY.key)] if problem else [])
