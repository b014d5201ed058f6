"""An installation that has something of everything to look at."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from app import bootstrap
from app.domain.access import PERMISSIONS, Actor, Grant, Permission, Role
from app.domain.credential import Home
from app.domain.deployment import Origin
from app.domain.webhook import Provider
from app.project_folder import without_credentials
from app.queue import make_queue
from app.store.grants import SubjectKind
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
from testing.waiting import eventually
from testing.webhook_sender import create_webhook

#: Who asks for the deployments.
ADA = Actor("ada", PERMISSIONS[Role.ADMIN])

#: Seconds that two runs of Ansible may take, on a machine that has more to do.
_PATIENCE = 170

#: Steps as a shop has them. It waits for a file before it switches to the new version.
_SHOP = """\
#!/usr/bin/env python3
import json, pathlib, sys, time
variables = json.load(open(sys.argv[2]))["context"]["variables"]

def step(name, state, message=""):
    print(json.dumps({"name": name, "state": state, "message": message}), flush=True)

step("prepare", "running")
print("Fetching version", variables["version"], "of the shop")
step("prepare", "success", "The version is there")
step("migrate", "running")
for number in range(1, 31):
    print(f"\\x1b[32mapplied\\x1b[0m migration {number:04} of 30")
step("migrate", "success", "30 migrations applied")
step("switch", "running", "Waiting until no request is under way")
while not pathlib.Path(variables["gate"]).exists():
    time.sleep(0.01)
step("switch", "success")
step("verify", "running")
step("verify", "success", "It answers")
"""
_SHOP_STEPS = [{"name": name} for name in ("prepare", "migrate", "switch", "verify")]
_SHOP_VARIABLES = {
    "properties": {
        "version": {"title": "Version", "type": "string", "default": "4.2.0"},
        "channel": {"enum": ["stable", "next"], "default": "stable"},
        "notify": {"title": "Tell the customers", "type": "boolean", "default": False},
        "api_key": {"title": "Key of the payment service", "type": "string",
                    "writeOnly": True, "description": "Needed for a new one only."},
        "gate": {"type": "string", "title": "Waits for the file"},
    },
    "required": ["version"],
}  # fmt: skip
#: Prints what it was launched with.
_REPORTS = """\
#!/usr/bin/env python3
import json, sys
print(json.dumps(json.load(open(sys.argv[2]))["context"]["variables"]))
"""
#: A variable of every kind that a launch form has a field for.
_REPORTS_VARIABLES = {
    "properties": {
        "title": {"title": "Title", "type": "string", "minLength": 3,
                  "maxLength": 60, "examples": ["Sales", "Visits"]},
        "notes": {"title": "Notes", "type": "string", "format": "textarea",
                  "description": "What stands above the figures."},
        "until": {"title": "Until", "type": "string", "format": "date",
                  "default": "2026-01-31"},
        "home": {"title": "Published at", "type": "string", "format": "uri",
                 "examples": ["https://reports.example.org/"]},
        "contact": {"title": "Questions to", "type": "string", "format": "email"},
        "copies": {"title": "Copies", "type": "integer", "minimum": 1, "maximum": 5,
                   "default": 2},
        "scale": {"title": "Scale", "type": "number", "exclusiveMinimum": 0,
                  "default": 1.5},
        "paper": {"title": "Paper", "enum": ["A4", "A3"], "default": "A4"},
        "draft": {"title": "As a draft", "type": "boolean", "default": True},
        "readers": {"title": "Readers", "type": "array", "minItems": 1,
                    "items": {"type": "string"}, "default": ["editors"]},
        "hosts": {"title": "Hosts", "type": "array", "default": [],
                  "items": {"type": "object", "required": ["name"], "properties": {
                      "name": {"type": "string"}, "port": {"type": "integer"}}}},
        "limits": {"title": "Limits", "type": "object", "default": {"pages": 40}},
        "key": {"title": "Key", "type": "string", "writeOnly": True,
                "description": "Signs each report."},
    },
    "required": ["title", "readers"],
}  # fmt: skip


_PLAY = """\
- name: {name}
  hosts: all
  gather_facts: false
  tasks:
    - name: Say the version
      ansible.builtin.debug:
        msg: "{{{{ version | default('none') }}}}"
"""
#: It fails on one of two hosts after it has notified a handler there.
_GATEWAY = """\
- name: Gateway
  hosts: all
  gather_facts: false
  vars: {ansible_python_interpreter: "{{ ansible_playbook_python }}"}
  tasks:
    - name: Configure the gateway
      ansible.builtin.command: "true"
      notify: Restart the gateway
    - name: Check that it answers
      ansible.builtin.command: "test {{ inventory_hostname }} = gateway1"
  handlers:
    - name: Restart the gateway
      ansible.builtin.command: "true"
"""
_GATEWAY_HOSTS = """\
gateway1 ansible_connection=local
gateway2 ansible_connection=local
"""
_HOSTS = "web1 ansible_connection=local\n"
#: A repository with two inventories.
_REPOSITORY = {
    "inventories/production/hosts": _HOSTS,
    "inventories/staging/hosts": _HOSTS,
    "playbooks/backup.yml": _PLAY.format(name="Backup"),
    "playbooks/site.yml": _PLAY.format(name="Site"),
    "playbooks/upgrade.yml": _PLAY.format(name="Upgrade"),
    "roles/shop/tasks/main.yml": "[]\n",
    "requirements.yml": "collections: []\n",
    "group_vars/all/vault.yml": "$ANSIBLE_VAULT;1.1;AES256\n00\n",
}
_PROJECT = """\
project: infra
description: The servers of the shop, from the firewall to the backup.
environments:
  staging: {inventory: inventories/staging}
  production:
    inventory: inventories/production
    limit: web1
    variables: {stage: live, shop_region: north}
defaults:
  options: [check, diff, limit, tags, skip_tags, start_at_task, forks, verbosity]
services:
  site:
    playbook: playbooks/site.yml
    variables: {properties: {version: {type: string}}}
  backup: {playbook: playbooks/backup.yml}
  upgrade: {playbook: playbooks/upgrade.yml, environments: [staging]}
  cleanup: {playbook: playbooks/cleanup.yml, environments: [staging]}
"""


_HANDBOOK = """\
project: handbook
services:
  publish: {deploy_script: publish.py}
"""
_PUBLISH = """\
#!/usr/bin/env python3
print("published")
"""


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
    committed: int
    owing: int
    result: int
    user: int
    token: int
    schedule: int
    repository: str


def make_user(made: Installation) -> None:
    """Create the user that `log_in` logs in."""
    users.create_user(made.store, ACTOR, "ada", PASSWORD, Role.ADMIN)


def add_reports(made: Installation) -> None:
    """A service whose launch form has a field of every kind."""
    made.write_service(
        "reports", _REPORTS, description="Figures of the month, for those who ask.",
        variables=_REPORTS_VARIABLES,
    )  # fmt: skip


def write_repository(folder: Path) -> Path:
    """Write a repository with three playbooks and two inventories; return its path."""
    for name, text in _REPOSITORY.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def add_project(made: Installation, folder: Path) -> None:
    """Register a repository as the project infra, which has an invalid service."""
    root = write_repository(folder / "infra")
    (root / "fastdeploy.yml").write_text(_PROJECT)
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
        files = {"fastdeploy.yml": _HANDBOOK, "publish.py": _PUBLISH, "text": subject}
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
        "webshop", _SHOP, description="The shop, its database and its cache.",
        steps=_SHOP_STEPS, variables=_SHOP_VARIABLES, credentials=["ssh:prod"],
        schedules=[
            {"name": "nightly", "cron": "0 3 1 * MON", "timezone": "Europe/Berlin"},
            {"name": "release", "at": "2126-12-24T22:00", "options": {}},
        ],
    )  # fmt: skip
    add_credentials(made)
    add_channel(made)
    add_reports(made)
    made.write_files(
        "gateway", {"site.yml": _GATEWAY, "hosts": _GATEWAY_HOSTS},
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
    return SeedNumbers(
        well,
        failed,
        canceled,
        running,
        queued,
        committed,
        owing,
        result=next(e.number for e in made.events(failed) if e.result == "failed"),
        user=users.list_users(made.store, ADA)[0].id,
        token=tokens.list_tokens(made.store, ADA)[0].id,
        schedule=weekly,
        repository=str(write_repository(folder / "network")),
    )


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
