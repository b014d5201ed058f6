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
        "Sync the services of this node with its services folder.",
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
    "webhook list": Page(
        (
            "fastdeploy webhook list",
            "fastdeploy webhook list --json",
        ),
        "List the webhooks, without their secrets.",
    ),
    "webhook show": Page(
        ("fastdeploy webhook show infra",),
        "Show a webhook, without its secrets.",
    ),
    "webhook create": Page(
        ("fastdeploy webhook create infra --provider github --project infra",),
        "Create a webhook and print its secret; it is not shown again.",
    ),
    "webhook rotate": Page(
        (
            "fastdeploy webhook rotate infra",
            "fastdeploy webhook rotate infra --finish",
        ),
        "Print a second secret; both are valid until `--finish`.",
    ),
    "webhook pause": Page(
        ("fastdeploy webhook pause infra",),
        "Launch nothing until the webhook is resumed.",
    ),
    "webhook resume": Page(
        ("fastdeploy webhook resume infra",),
        "End the pause of a webhook.",
    ),
    "webhook remove": Page(
        ("fastdeploy webhook remove infra",),
        "Remove a webhook with its deliveries; its deployments are kept.",
    ),
    "webhook deliveries": Page(
        (
            "fastdeploy webhook deliveries infra",
            "fastdeploy webhook deliveries infra --before 120",
        ),
        "List the newest 50 deliveries of a webhook.",
    ),
    "webhook redeliver": Page(
        ("fastdeploy webhook redeliver infra 12",),
        "Handle a delivery again, which launches once more.",
    ),
    "audit list": Page(
        (
            "fastdeploy audit list",
            "fastdeploy audit list --actor alice --action launch --json",
        ),
        "List the latest entries of the audit log, newest first.",
    ),
    "audit verify": Page(
        ("fastdeploy audit verify", "fastdeploy audit verify --known 812:9f86d0…"),
        "Check the hash chain of the audit log; name the first entry that was changed.",
        CHECK_CODES,
    ),
    "audit export": Page(
        (
            "fastdeploy audit export > audit.jsonl",
            "fastdeploy audit export --after 812 > newer.jsonl",
        ),
        "Print the entries as JSON lines, in the order of the chain.",
    ),
    "channel list": Page(
        (
            "fastdeploy channel list",
            "fastdeploy channel list --json",
        ),
        "List the channels, without their URLs.",
    ),
    "channel messages": Page(
        (
            "fastdeploy channel messages",
            "fastdeploy channel messages ops",
        ),
        "List the latest messages, newest first.",
    ),
    "channel add": Page(
        (
            "fastdeploy channel add ops --file ops.url",
            "fastdeploy channel add ops --file - --replace < ops.url",
        ),
        "Add a channel: its URL comes from a file, standard input or a prompt.",
    ),
    "channel test": Page(
        ("fastdeploy channel test ops",),
        "Write a test message, which a worker sends.",
    ),
    "channel pause": Page(
        ("fastdeploy channel pause ops",),
        "Send nothing; messages are skipped until the channel is resumed.",
    ),
    "channel resume": Page(
        ("fastdeploy channel resume ops",),
        "End the pause of a channel.",
    ),
    "channel send": Page(
        ("fastdeploy channel send 7",),
        "Send a message again that failed or was skipped.",
    ),
    "channel remove": Page(
        (
            "fastdeploy channel remove ops",
            "fastdeploy channel remove ops --force",
        ),
        "Remove a channel.",
    ),
    "user create": Page(
        (
            "fastdeploy user create ada --role admin",
            "fastdeploy user create ada < password.txt",
        ),
        "Create a user; ask for the password, or read it from standard input.",
    ),
    "user list": Page(
        ("fastdeploy user list",),
        "List the users with their role and number of sessions.",
    ),
    "user set-password": Page(
        ("fastdeploy user set-password admin",),
        "Set a user's password and end their sessions.",
    ),
    "user reset-second-factor": Page(
        ("fastdeploy user reset-second-factor ada",),
        "Remove the second factor of a user, and end their sessions.",
    ),
    "user logout": Page(("fastdeploy user logout ada",), "End all sessions of a user."),
    "team create": Page(("fastdeploy team create shop",), "Create a team."),
    "team list": Page(
        ("fastdeploy team list", "fastdeploy team list --json"),
        "List the teams with their members.",
    ),
    "team add": Page(("fastdeploy team add shop ada",), "Add a user to a team."),
    "team remove": Page(
        ("fastdeploy team remove shop ada",), "Remove a user from a team."
    ),
    "team delete": Page(
        ("fastdeploy team delete shop",), "Delete a team with its grants."
    ),
    "grant add": Page(
        (
            "fastdeploy grant add user ada view shop/web",
            "fastdeploy grant add team shop deploy 'shop/*@staging'",
            "fastdeploy grant add token ci cancel 'shop/*@staging'",
        ),
        "Give a user, a team or a token a permission on services.",
    ),
    "grant list": Page(
        ("fastdeploy grant list", "fastdeploy grant list --json"),
        "List the grants, sorted by services.",
    ),
    "grant remove": Page(("fastdeploy grant remove 3",), "Remove a grant by its id."),
    "token create": Page(
        (
            "fastdeploy token create ci --scope view --scope deploy --days 90",
            "fastdeploy token create shop --scope deploy --services 'shop/*@staging'",
        ),
        "Create a token and print it; it is not shown again.",
    ),
    "token list": Page(
        ("fastdeploy token list",),
        "List the tokens that are not revoked, without their secrets.",
    ),
    "token revoke": Page(("fastdeploy token revoke ci",), "Revoke a token."),
    "host list": Page(
        (
            "fastdeploy host list --environment production --status failed",
            "fastdeploy host list --text 10.0.0.5 --json",
        ),
        "List the hosts with the last deployment and the versions on each.",
    ),
    "host show": Page(
        (
            "fastdeploy host show web3",
            "fastdeploy host show web3 --since 2026-05-05 --diff",
        ),
        "Show a host, its services and facts, and what changed on it.",
    ),
    "host-key list": Page(
        ("fastdeploy host-key list", "fastdeploy host-key list infra --json"),
        "List the accepted host keys with their fingerprints.",
    ),
    "host-key add": Page(
        (
            "fastdeploy host-key add infra known_hosts",
            "ssh-keyscan web1 | fastdeploy host-key add infra -",
        ),
        "Accept the keys in a known_hosts file for all runs of a project or service.",
    ),
    "host-key remove": Page(
        ("fastdeploy host-key remove 3",), "Remove an accepted host key."
    ),
    "credential list": Page(
        ("fastdeploy credential list",), "List the credentials, without their values."
    ),
    "credential show": Page(
        ("fastdeploy credential show ssh:prod",),
        "Show a credential, without its value.",
    ),
    "credential add": Page(
        (
            "fastdeploy credential add ssh:prod --file id_ed25519 --user deploy",
            "fastdeploy credential add become:prod --ask",
            "fastdeploy credential add vault:prod --command -- pass show vault/prod",
        ),
        "Add a credential: its value comes from a file, standard input or a prompt.",
    ),
    "credential remove": Page(
        ("fastdeploy credential remove ssh:prod",), "Remove a credential."
    ),
    "credential test": Page(
        (
            "fastdeploy credential test ssh:prod --host web1 --user deploy",
            "fastdeploy credential test vault:prod --file group_vars/all/vault.yml",
        ),
        "Try a credential on a host, a file or a git repository.",
    ),
    "secret rotate": Page(
        ("fastdeploy secret rotate", "fastdeploy secret rotate --finish"),
        "Make a new key and encrypt every secret with it, while FastDeploy serves.",
    ),
    "node list": Page(
        ("fastdeploy node list",),
        "List the nodes with their state, load and last heartbeat.",
    ),
    "node forget": Page(
        ("fastdeploy node forget old-host",),
        "Remove a node that won't come back; its running deployments fail.",
    ),
    "environment list": Page(
        ("fastdeploy environment list",),
        "List the execution environments, with the projects that need them.",
    ),
    "environment prune": Page(
        ("fastdeploy environment prune",),
        "Remove the execution environments that no registered project needs.",
    ),
    "environment remove": Page(
        ("fastdeploy environment remove 0a1b2c3d",),
        "Remove an execution environment; the next run that needs it builds it again.",
    ),
    "db migrate": Page(
        ("fastdeploy db migrate",),
        "Migrate the database to the schema of this version.",
    ),
    "restore finalize": Page(
        ("fastdeploy restore finalize web1",),
        "Finalize a restored database before the worker starts.",
    ),
}


def commands_of(group: str) -> dict[str, str]:
    """Return the commands of a group with their help; empty if it isn't a group."""
    prefix = f"{group} "
    return {
        name.removeprefix(prefix): page.help
        for name, page in PAGES.items()
        if name.startswith(prefix)
    }
