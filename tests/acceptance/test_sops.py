"""SOPS: a playbook gets what a file hides, and nobody sees it."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from sqlalchemy import text

from app.domain.deployment import Deployment, Status
from testing.installation import Installation, installed
from testing.paths import SOPS
from testing.postgres import Postgres
from testing.waiting import eventually

FILE = "secrets.sops.yml"
PASSWORD = 'canary-"pässword"\\one'
TOKEN = "canary-{{ 'tem' ~ 'plate' }}"
PORT = "4718293"
PLAYBOOK = f"""\
- name: Use secrets
  hosts: all
  gather_facts: false
  tasks:
    - name: Compare
      ansible.builtin.assert:
        that:
          - db_password | hash('sha256') == "{hashlib.sha256(PASSWORD.encode()).hexdigest()}"
          - api.token | hash('sha256') == "{hashlib.sha256(TOKEN.encode()).hexdigest()}"
          - api.port == {PORT[:3]} * 10000 + {int(PORT[3:])}
          - api.strict is true
    - name: Tell that it was right
      ansible.builtin.debug:
        msg: the values were right
    - name: Wait until somebody has looked
      ansible.builtin.wait_for:
        path: "{{{{ playbook_dir }}}}/gate"
    - name: Print {{{{ db_password }}}}
      ansible.builtin.debug:
        msg: ["{{{{ db_password }}}}", "{{{{ api | to_json }}}}", "{{{{ api.port }}}}"]
    - name: Show a difference
      ansible.builtin.copy:
        content: "password={{{{ db_password }}}}\\n{{{{ certificate }}}}"
        dest: "{{{{ playbook_dir }}}}/never-written"
        mode: "0600"
      check_mode: true
      diff: true
    - name: Loop
      ansible.builtin.debug:
        msg: "item {{{{ item }}}}"
      loop: "{{{{ users }}}}"
    - name: Fail
      ansible.builtin.fail:
        msg: "refused: {{{{ db_password }}}}"
"""  # noqa: E501 - a line of YAML


@pytest.fixture
def host(postgres: Postgres, tmp_path: Path) -> Iterator[Installation]:
    """An installation with a home of its own."""
    (tmp_path / "home").mkdir()
    with installed(postgres, tmp_path) as made:
        yield made


def write(host: Installation, file: str | None = None, **config: object) -> Path:
    content = file or (SOPS / FILE).read_text()
    return host.write_files(
        "secretive", {"play.yml": PLAYBOOK, FILE: content},
        playbook="play.yml", sops_files=[FILE], **config,
    )  # fmt: skip


def work(host: Installation, path: str, key: Path | None = SOPS / "key.txt") -> None:
    home = str(temporary(host))
    host.worker(PATH=path, HOME=home, TMPDIR=home, SOPS_AGE_KEY_FILE=str(key or ""))


def test_a_decrypted_value_is_right_and_seen_by_nobody(
    host: Installation, sops: str
) -> None:
    folder = write(host)
    work(host, sops)
    host.web()

    number = host.launch("secretive")
    eventually(lambda: b"the values were right" in host.output(number))
    variables = private_variables(host)
    assert b"canary" in variables.read_bytes()
    assert 0o600 == variables.stat().st_mode & 0o777
    assert 0o700 == variables.parents[1].stat().st_mode & 0o777
    assert [] == [line for line in command_lines() if "canary" in line]
    (folder / "gate").touch()
    ended = host.ended(number)

    assert (Status.FAILED, 2) == (ended.status, ended.exit_code)
    assert not variables.parents[1].exists()
    seen = shown(host, ended) | rows(host) | files(host)
    assert "refused: ********" in seen[f"/deployments/{number}/output"]
    assert "item ********" in seen[f"/deployments/{number}/output"]
    assert "password=********" in seen[f"/deployments/{number}/output"]
    for secret in ("canary", PORT, "one\ncanary"):
        assert [] == [where for where, what in seen.items() if secret in what]


@pytest.mark.parametrize("given", ["none", "gone", "wrong", "damaged", "unlike"])
def test_a_file_that_cannot_be_decrypted_is_refused(
    host: Installation, sops: str, tmp_path: Path, given: str
) -> None:
    keys = {"none": None, "gone": tmp_path / "gone", "wrong": tmp_path / "wrong"}
    wrong = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33"
    (tmp_path / "wrong").write_text(wrong)
    encrypted = (SOPS / FILE).read_text()
    content = {
        "damaged": encrypted.partition("sops:")[0],
        "unlike": encrypted.replace("data:", "data:AAAA", 1),
    }
    folder = write(host, content.get(given))
    work(host, sops, keys.get(given, SOPS / "key.txt"))

    ended = host.run("secretive")

    says = {
        "none": f"This user has no key for {folder / FILE}: set SOPS_AGE_KEY_FILE",
        "gone": f"Can't read the key {tmp_path / 'gone'} for {folder / FILE} (No such",
        "wrong": f"The key in {tmp_path / 'wrong'} does not open {folder / FILE}: ",
        "damaged": f"sops can't decrypt {folder / FILE} (exit code ",
        "unlike": f"sops can't decrypt {folder / FILE} (exit code ",
    }
    assert 64 == ended.exit_code, host.output(ended.id)
    assert host.output(ended.id).decode().startswith(says[given])
    assert 1 == len(host.lines(ended.id))


def test_a_host_without_sops_is_named(host: Installation, tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "mv", "rm", "cat"):
        (programs / name).symlink_to(str(shutil.which(name)))
    folder = write(host)
    work(host, str(programs))

    ended = host.run("secretive")

    expected = f"There is no sops in PATH to decrypt {folder / FILE}: install it."
    assert [expected] == host.lines(ended.id)


def test_a_launch_takes_no_secret_s_place(host: Installation, sops: str) -> None:
    folder = write(host, variables={"properties": {"db_password": {}}})
    work(host, sops)

    ended = host.run("secretive")

    expected = (
        f"'db_password' in {folder / FILE} is also a launch variable: "
        "rename one of them."
    )
    assert [expected] == host.lines(ended.id)


# Helpers


def command_lines() -> list[str]:
    """The arguments of every process that there is."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            found.append(" ".join(process.cmdline()))
    return found


def private_variables(host: Installation) -> Path:
    """Return the path of the variables file that ansible-playbook gets."""
    [found] = temporary(host).glob("fastdeploy-run-*/env/extravars")
    return found


def temporary(host: Installation) -> Path:
    """Return the folder in which the runs of this installation put temporary files."""
    return host.services.parent / "home"


def shown(host: Installation, ended: Deployment) -> dict[str, str]:
    """Return every page and response that could show a deployment."""
    path = f"deployments/{ended.id}"
    with host.client() as client:
        names = [
            f"/{path}/artifacts/{name}?download=1"
            for name in ("stdout", "status", "rc", "command")
        ]
        paths = (
            f"/{path}", f"/{path}/events", f"/{path}/output", f"/{path}/artifacts",
            f"/api/v1/{path}", f"/api/v1/{path}/events", f"/api/v1/{path}/output",
            f"/api/v1/{path}/artifacts", "/", "/deployments", "/services/secretive",
            "/api/v1/services", "/api/v1/deployments", *names,
        )  # fmt: skip
        return {path: client.get(path).text for path in paths}


def rows(host: Installation) -> dict[str, str]:
    """Every table of the database as text, the queue's too."""
    with host.store.begin() as db:
        tables = db.execute(
            text("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables "
                 "WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
        ).scalars()  # fmt: skip
        return {
            table: "\n".join(
                db.execute(text(f"SELECT t::text FROM {table} t")).scalars()  # noqa: S608 - named by PostgreSQL itself
            )
            for table in tables.all()
        }


def files(host: Installation) -> dict[str, str]:
    """Every file that the installation has, but for the playbook's text."""
    return {
        str(path): path.read_text(errors="replace")
        for path in host.services.parent.rglob("*")
        if path.is_file()
    }
