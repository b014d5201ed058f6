"""How commands print: text, tables and JSON."""

import json
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import typer
from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.cli.api import Api
from app.domain.deployment import Status
from app.web.terminal import plain

# Without emoji: rich replaces `:dog:` in values too, also where markup is off.
console = Console(emoji=False)
if not sys.stdout.isatty():
    # A program reads the output: don't wrap or cut lines at a width of 80.
    console.width = 100_000

#: The column in which the values of `print_fields` begin.
_INDENT = 13
#: The `--json` option of every list and show.
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def print_json(value: object) -> None:
    """Print models, dataclasses or plain values as indented JSON.

    It is ASCII, so that no control character reaches a terminal.
    """
    print(json.dumps(to_jsonable_python(value), indent=2))


def print_table(headers: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table; a narrow terminal folds the cells and cuts none.

    Cells are text: rich markup and control characters in them have no effect.
    """
    table = Table()
    for header in headers:
        table.add_column(header, overflow="fold")
    for row in rows:
        table.add_row(*(Text(plain(str(cell))) for cell in row))
    console.print(table)


def print_fields(fields: Iterable[tuple[str, object]]) -> None:
    """Print one `name: value` line for each field that has a value.

    Further lines of a value are indented, so that they don't look like fields.
    """
    for name, value in fields:
        if value not in ("", None):
            text = plain(str(value)).replace("\n", "\n" + " " * _INDENT)
            line = f"{name + ':':<{_INDENT - 1}} {text}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """Print a sentence about what was done."""
    console.print(plain(text), markup=False, highlight=False)


def print_queued(api: Api, deployment_id: int, what: str) -> None:
    """Print that a deployment was queued, with the URL of its page if it is known."""
    line = f"deployment {deployment_id} {what}"
    if api.url:
        line += f": {api.url}/deployments/{deployment_id}"
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def state_of(launched: Mapping[str, Any]) -> str:
    """Return what a launch has led to: "is queued", or "waits for an approval"."""
    waits = launched["status"] == Status.WAITING_FOR_APPROVAL
    return "waits for an approval" if waits else "is queued"


def moment(at: datetime | None, *, otherwise: str = "") -> str:
    """Return a time to the second, in its time zone; `otherwise` if there is none."""
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else otherwise
