"""An installation that has something of everything to look at."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from app import bootstrap
from app.domain.access import PERMISSIONS, Actor, Permission, Role
from app.domain.deployment import Origin
from app.queue import make_queue
from app.usecases import auth, deploy, users
from app.usecases.cancel import cancel
from testing.browser import PASSWORD
from testing.installation import ACTOR, Installation
from testing.paths import ROOT
from testing.waiting import eventually

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


@dataclass(frozen=True, slots=True)
class Seeded:
    """The numbers of what an installation was given.

    `result` is the event of the failed deployment in which a host failed; the others
    are deployments, a user and a token.
    """

    well: int
    failed: int
    canceled: int
    running: int
    queued: int
    result: int
    user: int
    token: int


def make_user(made: Installation) -> None:
    """Create the user that `log_in` logs in."""
    users.create_user(made.store, ACTOR, "ada", PASSWORD, Role.ADMIN)


def add_reports(made: Installation) -> None:
    """A service whose launch form has a field of every kind."""
    made.write_service(
        "reports", _REPORTS, description="Figures of the month, for those who ask.",
        variables=_REPORTS_VARIABLES,
    )  # fmt: skip


def seed(made: Installation, folder: Path) -> Seeded:
    """Services of both kinds, and deployments in every state; a worker must run."""
    make_user(made)
    shutil.copytree(ROOT / "services", made.services, dirs_exist_ok=True)
    made.write_service(
        "webshop", _SHOP, description="The shop, its database and its cache.",
        steps=_SHOP_STEPS, variables=_SHOP_VARIABLES,
    )  # fmt: skip
    add_reports(made)
    broken = made.services / "newsletter"
    broken.mkdir()
    (broken / "config.json").write_text('{"name": "newsletter", "steps": "all"}')
    made.sync()
    gate = folder / "gate"
    site, fleet = str(folder / "site"), str(folder / "fleet")
    failed = _launch(made, "fleet", prefix=fleet, version="1.1.0", failing_host="web03")
    well = _launch(made, "static-site", prefix=site, site_version="1.1.0")
    first = [
        *(_launch(made, "hello", name=name) for name in ("world", "you")),
        _launch(made, "hello", fail_at="verify"),
        _launch(made, "webshop", version="4.1.0", gate="/"),
    ]
    for number in (failed, well, *first):
        made.ended(number, _PATIENCE)
    canceled = _waiting(made, gate)
    cancel(made.store, make_queue(made.settings), ADA, canceled)
    made.ended(canceled)
    running = _waiting(made, gate)
    queued = _launch(made, "webshop", version="4.3.0", gate="/")
    auth.create_token(made.store, ADA, "ci", [Permission.VIEW, Permission.DEPLOY])
    return Seeded(
        well,
        failed,
        canceled,
        running,
        queued,
        result=next(e.number for e in made.events(failed) if e.result == "failed"),
        user=users.list_users(made.store, ADA)[0].id,
        token=auth.list_tokens(made.store, ADA)[0].id,
    )


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
