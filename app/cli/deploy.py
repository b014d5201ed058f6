"""`fastdeploy deploy`: launch a deployment."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from app.cli import completion
from app.cli.api import Api
from app.cli.confirmation import Yes, confirmed
from app.cli.context import connect
from app.cli.deployment import exit_with
from app.cli.follow import watch
from app.cli.launch_input import (
    asked_credentials,
    json_object,
    key_files,
    key_values,
    options_from,
)
from app.cli.output import AsJson, console, print_json, print_queued, state_of
from app.domain import variables
from app.errors import Invalid
from app.web.launch_form_body import LaunchFormBody


def deploy(
    name: Annotated[
        str,
        typer.Argument(help="The service.", autocompletion=completion.services),
    ],
    extra: Annotated[
        list[str] | None,
        typer.Option("-e", "--extra-var", help="A variable, key=value; repeatable."),
    ] = None,
    extra_file: Annotated[
        list[str] | None,
        typer.Option(help="A variable from a file, key=FILE or key=-; repeatable."),
    ] = None,
    secret_file: Annotated[
        Path | None,
        typer.Option(help="JSON object of variables, kept out of argv; - for stdin."),
    ] = None,
    credential: Annotated[
        list[str] | None,
        typer.Option(
            help="A credential that is asked: kind:name=@FILE, or =- for standard "
            "input; without it, a prompt. Repeatable."
        ),
    ] = None,
    *,
    check: Annotated[
        bool, typer.Option("-C", "--check", help="Report changes, make none.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("-D", "--diff", help="Show the differences in files.")
    ] = False,
    limit: Annotated[
        str | None,
        typer.Option(
            "-l",
            "--limit",
            help="Hosts, as a host pattern.",
            autocompletion=completion.hosts,
        ),
    ] = None,
    tags: Annotated[
        list[str] | None,
        typer.Option("-t", "--tags", help="Tasks to run, by tag; a,b or repeated."),
    ] = None,
    skip_tags: Annotated[
        list[str] | None,
        typer.Option(help="Tasks to leave out, by tag; a,b or repeated."),
    ] = None,
    start_at_task: Annotated[
        str | None, typer.Option(help="Task to start at, by name.")
    ] = None,
    forks: Annotated[
        int | None,
        typer.Option("-f", "--forks", help="Hosts to work on at the same time."),
    ] = None,
    verbose: Annotated[
        int,
        typer.Option("-v", "--verbose", count=True, help="More output; -vvv: more."),
    ] = 0,
    ref: Annotated[
        str,
        typer.Option(
            help="Branch, tag or commit of the project's repository.",
            autocompletion=completion.refs,
        ),
    ] = "",
    priority: Annotated[
        int, typer.Option(help="-100 to 100; higher priorities start first.")
    ] = 0,
    yes: Yes = False,
    follow: Annotated[bool, typer.Option(help="Print the log until it ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Launch a deployment of a service.

    The options of ansible-playbook are those that the service allows.

    With --follow, exits with 0 if the deployment succeeds and with 1 otherwise. If it
    needs an approval, --follow waits for it; a rejected deployment is canceled.
    """
    if follow and as_json:
        raise Invalid("--json prints the queued deployment; leave out --follow")
    with connect() as api:
        path = f"/services/{quote(name)}/launch-form"
        takes = LaunchFormBody.model_validate(api.get(path, ref=ref), extra="ignore")
        pairs = key_values(extra or []) | key_files(extra_file or [])
        given = variables.convert(takes.variables.get("properties", {}), pairs)
        options = options_from(
            check=check or None,
            diff=diff or None,
            limit=limit,
            tags=tags,
            skip_tags=skip_tags,
            start_at_task=start_at_task,
            forks=forks,
            verbosity=verbose or None,
        )
        wanted = {
            "service": name,
            "variables": given | json_object(secret_file),
            "options": options.model_dump(exclude_unset=True),
            "credentials": asked_credentials(takes.credentials, credential or []),
            "ref": ref,
            "priority": priority,
        }
        launched = confirmed(partial(_launch, api, wanted), yes=yes)
        if as_json:
            print_json(launched)
            return
        print_queued(api, launched["id"], f"of {name} {state_of(launched)}")
        if not follow:
            return
        ended = watch(api, launched["id"], console)
    exit_with(ended)


def _launch(api: Api, wanted: Mapping[str, object], *, confirm: bool) -> Any:
    return api.launch("/deployments", {**wanted, "confirm": confirm})
