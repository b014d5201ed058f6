"""The options of ansible-playbook in a launch form."""

from collections.abc import Mapping
from typing import Any

from app.domain.options import OptionName, Options, as_texts
from app.domain.service import Service
from app.runner.options import MAX_FORKS, MAX_VERBOSITY
from app.web.forms import Field

#: Prefix of the options among a form's fields.
PREFIX = "option."
#: The labels of the options, in the order of their fields. The form has a button for
#: `check`.
_LABELS: dict[OptionName, str] = {
    "limit": "Limit",
    "tags": "Tags",
    "skip_tags": "Skip tags",
    "start_at_task": "Start at task",
    "forks": "Forks",
    "verbosity": "Verbosity",
    "diff": "Show differences",
}
_NOTES: dict[OptionName, str] = {
    "limit": "Example: web1:&production.",
    "tags": "Separated by commas.",
    "skip_tags": "Separated by commas.",
}


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
        _field(name, label, values[name], problems.get(name, ""))
        for name, label in _LABELS.items()
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


def _field(name: OptionName, label: str, value: str, problem: str) -> Field:
    kind, maximum = "text", ""
    choices: tuple[tuple[str, str], ...] = ()
    if name == "diff":
        kind = "checkbox"
    elif name == "forks":
        kind, maximum = "number", str(MAX_FORKS)
    elif name == "verbosity":
        kind = "select"
        choices = tuple((str(n), f"-{'v' * n}") for n in range(1, MAX_VERBOSITY + 1))
    described = Options.model_fields[name].description or ""
    return Field(
        name=f"{PREFIX}{name}",
        label=label,
        kind=kind,
        value=value,
        help=" ".join(filter(None, (described, _NOTES.get(name)))),
        checked=value == "true",
        choices=choices,
        unset="Default" if choices else "",
        minimum="1" if maximum else "",
        maximum=maximum,
        step="1",
        problem=problem,
    )
