"""Declare the variables of a playbook's `vars_prompt` as launch variables."""

from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any

from app.domain.service import Service
from app.runner.prompts import Prompt

#: The keyword of a variable that has to be entered twice in a form.
CONFIRM = "x-confirm"


def declare(service: Service, prompts: Iterable[Prompt]) -> Service:
    """Return the service with a launch variable for each variable of `vars_prompt`.

    A variable that the service declares itself keeps its schema; it is required if the
    playbook has no default. A service with encrypted files declares each variable
    itself, because these files may set it.
    """
    if service.sops_files:
        return service
    asked = [
        each
        for each in prompts
        if each.is_declarable and each.variable not in service.fixed_variables
    ]
    if not asked:
        return service
    properties = dict(service.properties)
    required = list(service.variables.get("required", []))
    # Several plays may ask for the same variable; a launch answers all of them.
    by_name = attrgetter("variable")
    for name, group in groupby(sorted(asked, key=by_name), by_name):
        same = list(group)
        own = properties.setdefault(name, _schema(same))
        if (
            name not in required
            and "default" not in own
            and not all(each.has_default for each in same)
        ):
            required.append(name)
    variables = {"type": "object", **service.variables, "properties": properties}
    if required:
        variables["required"] = required
    return service.model_copy(update={"variables": variables})


def _schema(prompts: list[Prompt]) -> dict[str, Any]:
    """Return the schema of a variable, which several plays may ask for."""
    first = prompts[0]
    schema: dict[str, Any] = {
        "type": "string",
        "title": first.question.strip().removesuffix(":") or first.variable,
    }
    defaults = {each.default if each.has_default else None for each in prompts}
    optional = all(each.has_default for each in prompts)
    private = any(each.private for each in prompts)
    said = f'The playbook asks for "{first.variable}".'
    if private:
        schema["writeOnly"] = True
    if not private and len(defaults) == 1 and None not in defaults:
        schema["default"] = defaults.pop()
    elif optional:
        # Everybody who may view the service would see the default of a secret.
        said += " If it is empty, the playbook's default applies."
    else:
        schema["minLength"] = 1
    if any(each.confirm for each in prompts):
        schema[CONFIRM] = True
    return {**schema, "description": said}
