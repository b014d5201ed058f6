"""The options of ansible-playbook in a launch form."""

from collections.abc import Mapping
from typing import Any

from app.domain.options import OptionName, as_texts
from app.domain.service import Service
from app.runner.options import MAX_FORKS, MAX_VERBOSITY
from app.web.forms import Field

#: Prefix of the options among a form's fields.
PREFIX = "option."
#: The label and the help text of each option, in the order of the fields. `check` has a
#: button instead.
_FIELDS: dict[OptionName, tuple[str, str]] = {
    "limit": ("Limit", "Only these hosts, such as web1 or web:&production."),
    "tags": ("Tags", "Only tasks with one of these tags, separated by commas."),
    "skip_tags": ("Skip tags", "No task with one of these tags."),
    "start_at_task": ("Start at task", "The name of the first task, or a glob."),
    "forks": ("Forks", "The number of hosts to work on at a time."),
    "verbosity": ("Verbosity", "Ansible prints more with each v."),
    "diff": ("Show differences", "In the files and templates that change."),
}
#: The options that are rarely set; the form shows them in a closed part.
_RARE: frozenset[OptionName] = frozenset(
    {"skip_tags", "start_at_task", "forks", "verbosity"}
)


def fields(
    service: Service, sent: Mapping[str, str], problems: Mapping[str, str]
) -> list[Field]:
    """Return the fields of the options that a launch of the service may set.

    Args:
        service: The service.
        sent: The values of a submitted form or of an earlier deployment, if any.
        problems: The errors in these values, by option.
    """
    values = as_texts(service.option_defaults) | dict(sent)
    return [
        _field(name, values[name], problems.get(name, ""))
        for name in _FIELDS
        if name in service.options
    ]


def values(service: Service, form: Mapping[str, Any]) -> dict[str, str]:
    """Return the options in a submitted form, as texts.

    Browsers don't send an unchecked checkbox or a button that wasn't clicked, so each
    option that the service allows has a value. Options that it doesn't allow are kept:
    the launch rejects them by name.
    """
    sent = {
        key.removeprefix(PREFIX): text
        for key, text in form.items()
        if key.startswith(PREFIX) and isinstance(text, str)
    }
    return dict.fromkeys(service.options, "") | sent


def _field(name: OptionName, value: str, problem: str) -> Field:
    kind, maximum = "text", ""
    choices: tuple[tuple[str, str], ...] = ()
    if name == "diff":
        kind = "checkbox"
    elif name == "forks":
        kind, maximum = "number", str(MAX_FORKS)
    elif name == "verbosity":
        kind = "select"
        choices = tuple((str(n), f"-{'v' * n}") for n in range(1, MAX_VERBOSITY + 1))
    label, help_text = _FIELDS[name]
    return Field(
        name=f"{PREFIX}{name}",
        label=label,
        kind=kind,
        value=value,
        help=help_text,
        checked=value == "true",
        choices=choices,
        unset="Default" if choices else "",
        minimum="1" if maximum else "",
        maximum=maximum,
        step="1",
        problem=problem,
        rare=name in _RARE,
    )
