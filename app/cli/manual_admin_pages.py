"""The manual of each command with which an installation is administered."""

from app.cli.manual import CHECK_CODES, Page

#: The manual of each of these commands by its full name.
ADMIN_PAGES: dict[str, Page] = {
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
    "blame": Page(
        (
            "fastdeploy blame web3:/etc/nginx/nginx.conf",
            "fastdeploy blame web3:/etc/motd --project shop --json",
        ),
        "Show the deployment, the commit and the person of each line.",
    ),
    "host diff": Page(
        (
            "fastdeploy host diff web1 web2",
            "fastdeploy host diff web1@yesterday web1",
            "fastdeploy host diff web1@2026-05-05T14:00 web1@2026-05-05T15:00",
        ),
        "Compare two hosts, or one host at two times: facts, versions and files.",
    ),
    "host files": Page(
        ("fastdeploy host files web3 --text nginx",),
        "List the files that deployments have changed on a host.",
    ),
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
            "fastdeploy host show web3 --since 14:00 --until 15:00",
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
