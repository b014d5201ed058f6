"""An installation that has something of everything to look at."""

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app import bootstrap
from app.domain.access import PERMISSIONS, Actor, Grant, Permission, Role, SubjectKind
from app.domain.credential import Home
from app.domain.deployment import Origin
from app.domain.webhook import Provider
from app.project_folder import without_credentials
from app.queue import make_queue
from app.runner.file_diffs import FileDiff
from app.store import file_records
from app.store.file_records import FileChange
from app.usecases import (
    channels,
    credentials,
    deploy,
    grants,
    schedule_changes,
    teams,
    tokens,
    users,
    webhook_receipts,
)
from app.usecases.cancel import cancel
from app.usecases.credentials import Change
from app.usecases.schedule_sources import ScheduleSources
from testing.browser import PASSWORD
from testing.git_repository import GitRepository
from testing.installation import ACTOR, Installation
from testing.paths import ROOT
from testing.seeded_content import (
    GATEWAY,
    GATEWAY_HOSTS,
    HANDBOOK,
    PROJECT,
    PUBLISH,
    REPORTS,
    REPORTS_VARIABLES,
    REPOSITORY,
    SHOP,
    SHOP_STEPS,
    SHOP_VARIABLES,
)
from testing.waiting import eventually
from testing.webhook_sender import create_webhook

#: Who asks for the deployments.
ADA = Actor("ada", PERMISSIONS[Role.ADMIN])
#: Seconds that two runs of Ansible may take, on a machine that has more to do.
_PATIENCE = 170


@dataclass(frozen=True, slots=True)
class SeedNumbers:
    """The numbers of what an installation was given.

    `result` is the event of the failed deployment in which a host failed; the others
    are deployments, a user, a token and a schedule. `committed` ran a commit of a git
    repository, and `owing` owes a handler; `repository` is the path of one that isn't a
    project.
    """

    well: int
    failed: int
    canceled: int
    running: int
    queued: int
    waiting: int
    committed: int
    owing: int
    result: int
    user: int
    token: int
    schedule: int
    repository: str
    #: The path of a file on a host that was edited by hand.
    file: str


def make_user(made: Installation) -> None:
    """Create the user that `log_in` logs in."""
    users.create_user(made.store, ACTOR, "ada", PASSWORD, Role.ADMIN)


def add_reports(made: Installation) -> None:
    """A service whose launch form has a field of every kind."""
    made.write_service(
        "reports", REPORTS, description="Figures of the month, for those who ask.",
        variables=REPORTS_VARIABLES,
    )  # fmt: skip


def write_repository(folder: Path) -> Path:
    """Write a repository with three playbooks and two inventories; return its path."""
    for name, text in REPOSITORY.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def add_project(made: Installation, folder: Path) -> None:
    """Register a repository as the project infra, which has an invalid service."""
    root = write_repository(folder / "infra")
    (root / "fastdeploy.yml").write_text(PROJECT)
    registered = made.services / "infra"
    registered.mkdir()
    (registered / "project.json").write_text(json.dumps({"folder": str(root)}))


def deploy_commits(made: Installation, folder: Path) -> int:
    """Deploy two commits of a git project; return the number of the second."""
    repository = GitRepository(folder / "handbook")
    registered = made.services / "handbook"
    registered.mkdir()
    source = json.dumps({"git": f"file://{repository.folder}"})
    (registered / "project.json").write_text(source)
    number = 0
    for subject in ("Describe the handbook", "Correct the address of the office"):
        files = {"fastdeploy.yml": HANDBOOK, "publish.py": PUBLISH, "text": subject}
        repository.write(files)
        (repository.folder / "publish.py").chmod(0o755)
        repository.commit(subject)
        made.sync()
        number = _launch(made, "handbook/publish")
        made.ended(number, _PATIENCE)
    return number


def seed(made: Installation, folder: Path) -> SeedNumbers:
    """Services of both kinds, and deployments in every state; a worker must run."""
    make_user(made)
    shutil.copytree(ROOT / "services", made.services, dirs_exist_ok=True)
    made.write_service(
        "webshop", SHOP, description="The shop, its database and its cache.",
        steps=SHOP_STEPS, variables=SHOP_VARIABLES, credentials=["ssh:prod"],
        schedules=[
            {"name": "nightly", "cron": "0 3 1 * MON", "timezone": "Europe/Berlin"},
            {"name": "release", "at": "2126-12-24T22:00", "options": {}},
        ],
    )  # fmt: skip
    add_credentials(made)
    add_channel(made)
    add_reports(made)
    made.write_files(
        "gateway", {"site.yml": GATEWAY, "hosts": GATEWAY_HOSTS},
        playbook="site.yml", inventory="hosts", description="It forwards requests.",
    )  # fmt: skip
    broken = made.services / "newsletter"
    broken.mkdir()
    (broken / "config.json").write_text('{"name": "newsletter", "steps": "all"}')
    add_project(made, folder)
    made.sync()
    gate = folder / "gate"
    site, fleet = str(folder / "site"), str(folder / "fleet")
    failed = _launch(made, "fleet", prefix=fleet, version="1.1.0", failing_host="web03")
    well = _launch(made, "static-site", prefix=site, site_version="1.1.0")
    first = [
        *(_launch(made, "hello", name=name) for name in ("world", "you")),
        _launch(made, "hello", fail_at="verify"),
        _launch(made, "webshop", version="4.1.0", gate="/"),
        _launch(made, "infra/site@staging", version="2.4.0"),
    ]
    for number in (failed, well, *first):
        made.ended(number, _PATIENCE)
    owing = made.ended(_launch(made, "gateway"), _PATIENCE).id
    committed = deploy_commits(made, folder)
    add_webhook(made)
    canceled = _waiting(made, gate)
    cancel(made.store, make_queue(made.settings), ADA, canceled)
    made.ended(canceled)
    running = _waiting(made, gate)
    queued = _launch(made, "webshop", version="4.3.0", gate="/")
    waiting = add_waiting(made)
    schedule = {"name": "weekly", "cron": "0 4 * * SUN", "variables": {"version": "4"}}
    weekly = schedule_changes.create(
        made.store,
        ADA,
        "webshop",
        schedule,
        bootstrap.make_secret_box(made.settings),
        ScheduleSources(made.settings, without_credentials),
    )
    tokens.create_token(made.store, ADA, "ci", [Permission.VIEW, Permission.DEPLOY])
    teams.create(made.store, ADA, "web")
    for permission, pattern in ((Permission.DEPLOY, "webshop"), (Permission.VIEW, "*")):
        wanted = Grant(permission, pattern)
        grants.add(made.store, ADA, SubjectKind.TEAM, "web", wanted)
    file = f"{fleet}/web03/1.1.0/component.ini"
    add_edit(made, failed, file)
    return SeedNumbers(
        well,
        failed,
        canceled,
        running,
        queued,
        waiting,
        committed,
        owing,
        result=next(e.number for e in made.events(failed) if e.result == "failed"),
        user=users.list_users(made.store, ADA)[0].id,
        token=tokens.list_tokens(made.store, ADA)[0].id,
        schedule=weekly,
        repository=str(write_repository(folder / "network")),
        file=file,
    )


def add_waiting(made: Installation) -> int:
    """Launch a deployment that waits for an approval; return its number."""
    made.write_service(
        "billing", SHOP, description="Invoices and reminders.", approval=True,
        variables=SHOP_VARIABLES,
    )  # fmt: skip
    return made.launch("billing", version="7.2.0", gate="/")


def add_edit(made: Installation, number: int, path: str) -> None:
    """Record that a deployment found a file on a host edited by hand."""
    diff = FileDiff(path, "[web03]\nport = 8080\n", "[web03]\nport = 80\n")
    now = datetime.now(UTC)
    change = FileChange(2, now, now, "web03", "Write the configuration", diff)
    with made.store.begin() as db:
        file_records.record(db, number, [change])


def add_webhook(made: Installation) -> None:
    """Create a webhook with a delivery that no rule is for."""
    sender = create_webhook(
        made.store, made.settings, "handbook", Provider.GITHUB, "handbook"
    )
    headers, body = sender.push("refs/heads/draft", "a" * 40)
    webhook_receipts.receive(
        made.store, bootstrap.make_secret_box(made.settings), "handbook", headers,
        body, "192.0.2.1",
    )  # fmt: skip


def add_credentials(made: Installation) -> None:
    """Add the key that the shop needs, and a password that is asked at each launch."""
    key = ed25519.Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )
    secret_box = bootstrap.make_secret_box(made.settings)
    for reference, change in {
        "ssh:prod": Change(values={"private_key": key.decode()}),
        "become:prod": Change(Home.ASK),
    }.items():
        credentials.put(made.store, secret_box, ADA, reference, change, replace=False)


def add_channel(made: Installation) -> None:
    """Add a channel that can't be reached, with a test message."""
    change = channels.Change("json://192.0.2.1/", description="Who is on call")
    channels.put(made.store, bootstrap.make_secret_box(made.settings), ADA, "ops",
                 change, replace=False)  # fmt: skip
    channels.test(made.store, ADA, "ops")


def _waiting(made: Installation, gate: Path) -> int:
    """A deployment of the shop that has printed all, and waits for a file."""
    number = _launch(made, "webshop", gate=str(gate))
    eventually(lambda: made.states(number).get("switch") == "running")
    return number


def _launch(made: Installation, service: str, **variables: object) -> int:
    return deploy.launch(
        made.store,
        make_queue(made.settings),
        bootstrap.make_secret_box(made.settings),
        actor=ADA,
        origin=Origin.BROWSER,
        service_name=service,
        given=variables,
    )
