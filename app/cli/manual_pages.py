"""The manual of each command.

`--help` shows it below the options, and docs/reference/commands.md contains it. It
imports no command, so that completing a command of a group takes no time.
"""

from app.cli.manual import (
    CHECK_CODES,
    FOLLOW_CODES,
    INVALID,
    PROCESS_CODES,
    SUCCEEDED,
    Page,
)
from app.cli.manual_admin_pages import ADMIN_PAGES

_SHOW = Page(
    (
        "fastdeploy show 12",
        "fastdeploy show 12 --timing",
        "fastdeploy show 12 --json | jq .status",
    ),
    "Show a deployment, its variables and its steps, or where its time went.",
)
_LIST = Page(
    (
        "fastdeploy list",
        "fastdeploy list --service shop --status failed --limit 5",
    ),
    "List deployments, newest first.",
)
_LOGS = Page(
    ("fastdeploy logs 12", "fastdeploy logs 12 --follow"),
    "Print the steps and output of a deployment.",
    FOLLOW_CODES,
)

#: The manual of each command by its full name.
PAGES: dict[str, Page] = {
    "deploy": Page(
        (
            "fastdeploy deploy shop",
            "fastdeploy deploy shop -e version=4.2.0 --follow",
            "fastdeploy deploy infra/site@staging --check --diff --limit web1",
            "fastdeploy deploy infra/site@production --ref v1.2 --json",
            "fastdeploy deploy shop --extra-file motd=motd.txt --secret-file -",
        ),
        codes=FOLLOW_CODES,
    ),
    "list": _LIST,
    "show": _SHOW,
    "logs": _LOGS,
    "login": Page(
        (
            "fastdeploy login https://deploy.example.org",
            "fastdeploy login https://deploy.example.org --token-stdin < token",
        ),
    ),
    "logout": Page(("fastdeploy logout",)),
    "up": Page(
        (
            "fastdeploy up",
            "fastdeploy up --port 8001",
            "FASTDEPLOY_VAR=/srv/try/var fastdeploy up",
        ),
        codes=PROCESS_CODES,
    ),
    "web": Page(("fastdeploy web",), codes=PROCESS_CODES),
    "worker": Page(
        ("fastdeploy worker", "fastdeploy worker --drain"), codes=PROCESS_CODES
    ),
    "deployment list": _LIST,
    "deployment show": _SHOW,
    "deployment logs": _LOGS,
    "deployment cancel": Page(
        ("fastdeploy deployment cancel 12",),
        "Cancel a deployment; the worker stops a running one with all its processes.",
    ),
    "deployment approve": Page(
        ("fastdeploy deployment approve 12 --comment 'after the backup'",),
        "Approve a deployment that somebody else has launched: it is queued.",
    ),
    "deployment reject": Page(
        ("fastdeploy deployment reject 12 --comment 'not before Monday'",),
        "Reject a deployment that waits for an approval: it is canceled.",
    ),
    "deployment retry": Page(
        ("fastdeploy deployment retry 12", "fastdeploy deployment retry 12 --failed"),
        "Relaunch an ended deployment with the same variables, options and priority.",
    ),
    "deployment continue": Page(
        ("fastdeploy deployment continue 12",),
        "Continue a deployment on the hosts that it didn't finish, owed handlers "
        "first.",
    ),
    "deployment dismiss": Page(
        ("fastdeploy deployment dismiss 12 web1 'restart nginx'",),
        "Settle a handler that a deployment owes a host, without running it.",
    ),
    "deployment artifacts": Page(
        (
            "fastdeploy deployment artifacts 12",
            "ls $(fastdeploy deployment artifacts 12 --path)/job_events",
        ),
        "List the ansible-runner artifacts of a deployment below their folder.",
    ),
    "deployment export": Page(
        (
            "fastdeploy deployment export 12 --format navigator > run.json",
            "fastdeploy deployment export 12 --format ara | jq .playbook.status",
        ),
        "Print the record of an ended deployment in the format of another tool.",
    ),
    "deployment prune": Page(
        ("fastdeploy deployment prune",),
        "Delete output, artifacts and audit entries beyond FASTDEPLOY_KEEP_….",
    ),
    "project add": Page(
        (
            "fastdeploy project add ~/infra",
            "fastdeploy project add https://git.example/infra.git --ref main --yes",
            "fastdeploy project add git@git.example:infra --credential git-ssh:deploy",
        ),
        "Make the playbooks of a repository services, in each of its environments.",
    ),
    "project list": Page(
        ("fastdeploy project list", "fastdeploy project list --json"),
        "List the projects with their environments and services.",
    ),
    "project show": Page(
        ("fastdeploy project show infra",),
        "Show a project with its environments and services.",
    ),
    "project remove": Page(
        ("fastdeploy project remove infra --yes",),
        "Remove a project; the history of its services and the repository are kept.",
    ),
    "project validate": Page(
        (
            "fastdeploy project validate fastdeploy.yml",
            "fastdeploy project validate - --name infra < fastdeploy.yml",
        ),
        "Validate a fastdeploy.yml and the files that it names, without the database.",
        CHECK_CODES,
    ),
    "service list": Page(
        ("fastdeploy service list",),
        "List the services with their latest deployment.",
    ),
    "service show": Page(
        ("fastdeploy service show shop", "fastdeploy service show shop --json"),
        "Show a service, its launch variables and its latest deployment.",
    ),
    "service sync": Page(
        ("fastdeploy service sync",),
        "Sync the services with the services folder of this node, or of the server.",
        (
            SUCCEEDED,
            (1, "A service is invalid, or the command failed; the message says why."),
            INVALID,
        ),
    ),
    "service doctor": Page(
        (
            "fastdeploy service doctor",
            "fastdeploy service doctor infra/site@staging --json",
        ),
        "Check this host and its services and suggest fixes.",
        CHECK_CODES,
    ),
    "service validate": Page(
        (
            "fastdeploy service validate services/shop/config.json",
            "fastdeploy service validate - < config.json",
        ),
        "Validate a config.json and the files that it names, without the database.",
        CHECK_CODES,
    ),
    "service schema": Page(
        ("fastdeploy service schema > service.schema.json",),
        "Print the JSON Schema of config.json.",
    ),
    "schedule list": Page(
        ("fastdeploy schedule list", "fastdeploy schedule list nightly --json"),
        "List the schedules with their next instant and last outcome.",
    ),
    "schedule pause": Page(
        (
            "fastdeploy schedule pause shop nightly",
            "fastdeploy schedule pause shop nightly --until 2026-12-24T22:00",
        ),
        "Launch nothing for a while; missed instants aren't made up for.",
    ),
    "schedule show": Page(
        (
            "fastdeploy schedule show shop nightly",
            "fastdeploy schedule show shop nightly --json",
        ),
        "Show a schedule with its next instants.",
    ),
    "schedule create": Page(
        (
            "fastdeploy schedule create shop nightly.yml",
            "fastdeploy schedule create shop - < nightly.yml",
        ),
        "Create a schedule of a service.",
    ),
    "schedule change": Page(
        ("fastdeploy schedule change shop nightly nightly.yml",),
        "Replace a schedule that somebody created; the file has its new content.",
    ),
    "schedule remove": Page(
        ("fastdeploy schedule remove shop nightly",),
        "Remove a schedule that somebody created; its deployments are kept.",
    ),
    "schedule resume": Page(
        ("fastdeploy schedule resume shop nightly",),
        "End the pause of a schedule.",
    ),
    "schedule run": Page(
        ("fastdeploy schedule run shop nightly",),
        "Launch now what a schedule launches.",
    ),
    **ADMIN_PAGES,
}


def commands_of(group: str) -> dict[str, str]:
    """Return the commands of a group with their help; empty if it isn't a group."""
    prefix = f"{group} "
    return {
        name.removeprefix(prefix): page.help
        for name, page in PAGES.items()
        if name.startswith(prefix)
    }
