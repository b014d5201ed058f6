"""The command line: parse, call, print. Errors are one sentence and exit code 1."""

import getpass
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from app import bootstrap, dev_server, log
from app.doctor import diagnosis
from app.domain import variables
from app.domain.access import Actor, Permission, Role, on_host
from app.domain.deployment import Origin, Status
from app.domain.service import Service
from app.errors import Conflict, FastDeployError, Invalid, Unavailable
from app.follow import watch
from app.serve import serve
from app.settings import Settings, read_settings
from app.store.migrate import migrate as migrate_store
from app.store.store import Store
from app.up import up as up_everything
from app.usecases import (
    artifacts,
    auth,
    deploy,
    nodes,
    restore,
    retention,
    services,
    users,
)
from app.usecases.cancel import cancel as cancel_deployment

cli = typer.Typer(
    help="FastDeploy: an Ansible-native control plane for deployments.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
out = Console()
if not sys.stdout.isatty():
    # A program reads it: no line is broken and nothing is cut at a width of 80.
    out.width = 100_000
#: A file that is standard input: a secret of root's need not be another user's to read.
STDIN = Path("-")


def main() -> None:
    """Run the command line; an error that a person can act on has no traceback."""
    try:
        _require_utf8(sys.argv[1:])
        cli()
    except FastDeployError as error:
        print(f"fastdeploy: {error}", file=sys.stderr)
        sys.exit(1)


@cli.command()
def up(
    port: Annotated[int | None, typer.Option(help="Port of the web interface.")] = None,
) -> None:
    """Start everything on this machine: PostgreSQL, web and worker.

    Ctrl-C, SIGTERM and SIGHUP stop all of it; the exit code is then 0. A second one in
    the same folder is refused, and names the process that runs there.
    """
    # Not _settings(): an embedded PostgreSQL that already runs is one to stop, too.
    up_everything(read_settings() if port is None else read_settings(port=port))


@cli.command()
def web() -> None:
    """Serve the web interface and the API."""
    serve(_settings())


@cli.command()
def worker(
    *,
    drain: Annotated[
        bool, typer.Option(help="Begin nothing new; exit when all has ended.")
    ] = False,
) -> None:
    """Carry out deployments on this host."""
    bootstrap.make_worker(_settings()).run(drain=drain)


@cli.command()
def migrate() -> None:
    """Bring the database to this version's schema."""
    with _store() as store:
        applied = migrate_store(store)
    out.print(f"applied: {', '.join(applied)}" if applied else "nothing to do")


@cli.command()
def syncservices() -> None:
    """Read the services folder into the catalogue."""
    settings = _settings()
    with _store(settings) as store:
        found = services.sync_services(store, settings.services, settings.node, _me())
    for name in found.good:
        out.print(f"[green]ok[/]        {name}")
    for name, error in found.broken.items():
        out.print(f"[red]broken[/]    {name}: ", end="")
        out.print(error, markup=False)
    for name in found.archived:
        out.print(f"[yellow]archived[/]  {name}")
    if found.broken:
        raise typer.Exit(1)


@cli.command(name="deploy")
def deploy_command(
    name: Annotated[str, typer.Argument(help="The service.")],
    extra: Annotated[
        list[str] | None, typer.Option("-e", "--extra-var", help="key=value")
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="JSON object of variables, kept out of argv; - for stdin."),
    ] = None,
    *,
    priority: Annotated[
        int, typer.Option(help="-100 to 100; higher ones come first.")
    ] = 0,
    follow: Annotated[bool, typer.Option(help="Show it until it has ended.")] = False,
) -> None:
    """Launch a deployment; with --follow the exit code is 0 only if it succeeds."""
    settings = _settings()
    with _store(settings) as store:
        service = _service(store, name)
        given = variables.from_text(service, _pairs(extra or [])) if service else {}
        deployment_id = deploy.launch(
            store,
            bootstrap.make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=_me(),
            origin=Origin.CLI,
            service_name=name,
            given=given | _json_object(secret_file),
            priority=priority,
        )
        if not follow:
            out.print(f"deployment {deployment_id} of {name} is queued")
            return
        ended = watch(settings, store, deployment_id, out)
    raise typer.Exit(0 if ended.status is Status.SUCCESSFUL else 1)


@cli.command(name="follow")
def follow_command(deployment_id: int) -> None:
    """Show a deployment from its beginning until it has ended."""
    settings = _settings()
    with _store(settings) as store:
        ended = watch(settings, store, deployment_id, out)
    raise typer.Exit(0 if ended.status is Status.SUCCESSFUL else 1)


@cli.command()
def cancel(deployment_id: int) -> None:
    """End a deployment: at once if it is queued, by its worker if it was begun."""
    settings = _settings()
    with _store(settings) as store:
        launcher = bootstrap.make_queue(settings)
        cancel_deployment(store, launcher, _me(), deployment_id)
        found = deploy.find(store, deployment_id)
    done = "is canceled" if found.ended else "is being canceled"
    out.print(f"deployment {deployment_id} {done}")


@cli.command()
def retry(deployment_id: int) -> None:
    """Launch an ended deployment again, with the same variables."""
    settings = _settings()
    with _store(settings) as store:
        number = deploy.retry(
            store,
            bootstrap.make_queue(settings),
            bootstrap.make_secret_box(settings),
            actor=_me(),
            origin=Origin.CLI,
            deployment_id=deployment_id,
        )
    out.print(f"deployment {number} is queued, as {deployment_id} was")


@cli.command(name="artifacts")
def artifacts_command(deployment_id: int) -> None:
    """Print the folder of a deployment's ansible-runner artifacts, and its files."""
    settings = _settings()
    with _store(settings) as store:
        found = deploy.find(store, deployment_id)
        files = artifacts.listing(store, settings, found)
    print(artifacts.artifacts_of(settings, deployment_id))
    for path, size in files:
        print(f"{size:>10}  {path}")


@cli.command()
def prune() -> None:
    """Remove the output and artifacts that are beyond FASTDEPLOY_KEEP_…, now."""
    settings = _settings()
    with _store(settings) as store:
        done = retention.prune(store, settings)
    out.print(f"removed the output of {done.deployments} deployments: "
              f"{done.size} bytes; of the audit log: {done.noted} entries")  # fmt: skip


@cli.command(name="nodes")
def nodes_command() -> None:
    """List the nodes: what they do, their load, and when they were heard last."""
    table = _table(
        "name", "state", "running", "waiting", "services", "heard", "version"
    )
    with _store() as store:
        for node in nodes.list_nodes(store):
            table.add_row(
                node.name,
                node.state,
                f"{node.running} of {node.concurrency}",
                str(node.waiting),
                str(node.services),
                f"{node.heartbeat_at:%Y-%m-%d %H:%M:%S}",
                node.version,
            )
    out.print(table)


@cli.command(name="doctor")
def doctor_command(
    name: Annotated[str | None, typer.Argument(help="The service; or all.")] = None,
) -> None:
    """Check this host and its services, and say what mends them; 1 if one is ill."""
    settings = _settings()
    with _store(settings) as store:
        report = diagnosis.examine(store, settings, name)
    out.print(f"what was found on {report.host}", markup=False)
    for found in report.findings:
        colour = {"ok": "green", "warning": "yellow", "problem": "red"}[found.level]
        out.print(f"[{colour}]{found.level:<8}[/] ", end="")
        out.print(f"{found.subject}: {found.message}", markup=False, soft_wrap=True)
        if found.fix:
            # Never broken into lines: it is there to be copied.
            print(f"         fix: {found.fix}")
    if not report.healthy:
        raise typer.Exit(1)


@cli.command()
def forgetnode(name: str) -> None:
    """Remove a node that will not come back; what it had begun ends as failed."""
    settings = _settings()
    with _store(settings) as store:
        ended = nodes.forget(store, bootstrap.make_queue(settings), _me(), name)
    out.print(f"node {name} is removed; deployments that ended as failed: {ended}")


@cli.command()
def restored(
    node: Annotated[str, typer.Argument(help="The node that the backup is of.")],
) -> None:
    """Settle a backup that was just put in place, before the worker starts."""
    settings = _settings()
    with _store(settings) as store:
        done = restore.settle(
            store,
            settings,
            bootstrap.make_secret_box(settings),
            bootstrap.make_queue(settings),
            _me(),
            was=node,
        )
    out.print(f"deployments that were going on and ended by this: {done.ended}, "
              f"left to the worker: {done.left}")  # fmt: skip


@cli.command()
def createuser(
    name: str,
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.DEPLOYER,
) -> None:
    """Create a user; the password is asked for, or read from standard input."""
    with _store() as store:
        users.create_user(store, _me(), name, _password(), role)
    out.print(f"user {name} ({role}) is created")


@cli.command()
def setpassword(name: str) -> None:
    """Give a user a new password and end their sessions."""
    with _store() as store:
        users.set_password(store, _me(), name, _password())
    out.print(f"user {name} has a new password")


@cli.command()
def logout(name: str) -> None:
    """End every session of a user."""
    with _store() as store:
        ended = users.end_sessions(store, _me(), name)
    out.print(f"sessions ended: {ended}")


@cli.command()
def createtoken(
    name: str,
    scope: Annotated[list[Permission], typer.Option(help="What it may do.")],
    days: Annotated[
        int | None,
        typer.Option(help="Until it expires, 1 to 36500; without it, it never does."),
    ] = None,
) -> None:
    """Create a token for the API and print it; it is not shown again."""
    with _store() as store:
        print(auth.create_token(store, _me(), name, scope, days))


@cli.command()
def tokens() -> None:
    """List the tokens for the API."""
    table = _table("name", "scopes", "created", "expires", "last used")
    with _store() as store:
        for token in auth.list_tokens(store, _me()):
            times = (token.created_at, token.expires_at, token.last_used_at)
            shown = [f"{at:%Y-%m-%d %H:%M}" if at else "never" for at in times]
            table.add_row(token.name, ", ".join(token.scopes), *shown)
    out.print(table)


@cli.command()
def revoketoken(name: str) -> None:
    """End a token for the API."""
    with _store() as store:
        auth.revoke_token(store, _me(), name)
    out.print(f"token {name} is revoked")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of config.json."""
    print(json.dumps(Service.model_json_schema(), indent=2))


def _require_utf8(arguments: list[str]) -> None:
    """Raise Invalid for an argument that PostgreSQL could neither store nor find."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            raise Invalid(f"the argument {argument!r} is not valid UTF-8") from None


def _table(*headers: str) -> Table:
    """A table whose cells are folded, never cut, where a terminal is too narrow."""
    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")
    return table


def _settings() -> Settings:
    settings = dev_server.find_embedded(read_settings())
    log.configure(settings.log_format)
    return settings


@contextmanager
def _store(settings: Settings | None = None) -> Iterator[Store]:
    settings = settings or _settings()
    store = bootstrap.make_store(settings)
    try:
        yield store
    except Unavailable as error:
        if "database_url" in settings.model_fields_set:
            raise
        # Neither a server was named nor is our own one running.
        raise Unavailable(
            "FastDeploy isn't started in this folder; `fastdeploy up` does that, or "
            f"set FASTDEPLOY_DATABASE_URL: {error}"
        ) from None
    finally:
        store.close()


def _me() -> Actor:
    return on_host(getpass.getuser())


def _service(store: Store, name: str) -> Service | None:
    try:
        return services.find_service(store, name).service
    except FastDeployError:
        # The use case says it better, with the names that there are.
        return None


def _pairs(extra: list[str]) -> dict[str, str]:
    pairs = {}
    for item in extra:
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise Invalid(f"-e takes key=value, not {item!r}")
        pairs[key] = value
    return pairs


def _json_object(path: Path | None) -> dict[str, object]:
    if path is None:
        return {}
    try:
        found = json.loads(sys.stdin.read() if path == STDIN else path.read_text())
    except (OSError, ValueError) as error:
        raise Invalid(f"{path} can't be read as JSON: {error}") from None
    if not isinstance(found, dict):
        raise Invalid(f"{path} must hold a JSON object")
    return found


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != first:
        raise Conflict("the two passwords differ")
    return first
