"""The sessions of ssh in which a run copies files, with a real sshd."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runner import ssh_sessions
from testing.runner import Outcome, Service, short_folder
from testing.sshd import Sshd, running

#: Notes what is done in each session; the host of a folder with `no-dd` has no dd.
_SSH = """\
#!/bin/sh
for last; do :; done
echo "$last" >> {folder}/sessions
case $last in "dd "*) [ ! -e {folder}/no-dd ] || exit 127;; esac
exec ssh "$@"
"""
_SFTP = """\
#!/bin/sh
echo sftp >> {folder}/sessions
exec sftp "$@"
"""
_COPY = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: Copy
      ansible.builtin.copy:
        src: content
        dest: {place}
        mode: "640"
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """The host that runs reach."""
    with running(tmp_path_factory.mktemp("sshd")) as made:
        yield made


@pytest.fixture
def service(host: Sshd, tmp_path: Path) -> Iterator[Service]:
    """A service that copies a file to a host, and notes its sessions."""
    with short_folder() as folder, short_folder() as temp:
        made = Service(folder, temp)
        programs = {"ansible_ssh_executable": _SSH, "ansible_sftp_executable": _SFTP}
        for name, script in programs.items():
            (made.folder / name).write_text(script.format(folder=made.folder))
            (made.folder / name).chmod(0o755)
        variables = host.inventory(
            ansible_python_interpreter="/usr/bin/python3",
            **{name: str(made.folder / name) for name in programs},
        )
        made.write(made.folder / "hosts.json", {"all": {"hosts": {"web1": variables}}})
        (made.folder / "known_hosts").write_text(host.line)
        (made.folder / "site.yml").write_text(_COPY.format(place=tmp_path / "copied"))
        config = {"name": "demo", "playbook": "site.yml", "inventory": "hosts.json"}
        made.write(made.folder / "config.json", config)
        yield made
        made.end()


def _copied(service: Service, place: Path, content: bytes) -> list[str]:
    """Copy a file; return the programs of the sessions, by their first words."""
    (service.folder / "content").write_bytes(content)
    outcome: Outcome = service.run()
    assert outcome.code == 0, outcome.journal.decode()
    assert (content, 0o640) == (place.read_bytes(), place.stat().st_mode & 0o777)
    sessions = (service.folder / "sessions").read_text().splitlines()
    return [line for line in sessions if line.startswith(("dd ", "sftp"))] + [
        line for line in sessions if "echo ~" in line and "umask" not in line
    ]


@pytest.mark.parametrize(
    "content", [b"", b"\0\xff\r\n'$(x)" * 9000], ids=["empty", "binary"]
)
def test_a_small_file_is_put_in_one_session(
    service: Service, tmp_path: Path, content: bytes
) -> None:
    [session] = _copied(service, tmp_path / "copied", content)

    assert session.startswith("dd of=/")


def test_a_large_file_is_put_by_sftp(service: Service, tmp_path: Path) -> None:
    content = b"x" * (ssh_sessions.SMALL + 1)

    assert ["sftp"] == _copied(service, tmp_path / "copied", content)


def test_sftp_puts_what_dd_can_not(service: Service, tmp_path: Path) -> None:
    (service.folder / "no-dd").touch()

    [first, second] = _copied(service, tmp_path / "copied", b"content")

    assert (True, "sftp") == (first.startswith("dd of=/"), second)


def test_the_transfer_method_of_a_project_is_used(
    service: Service, tmp_path: Path
) -> None:
    (service.folder / "ansible.cfg").write_text(
        "[ssh_connection]\ntransfer_method = sftp\n"
    )

    assert ["sftp"] == _copied(service, tmp_path / "copied", b"content")
