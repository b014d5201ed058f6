"""The JSON Schema of fastdeploy.yml."""

from typing import Any

from app.domain.project_file import NOT_IN_PROJECT, ProjectFile
from app.domain.service import Service
from app.domain.service_name import PART


def make() -> dict[str, Any]:
    """Return the JSON Schema of fastdeploy.yml.

    A service has the keys of a config.json, except for those that a project defines.
    """
    project = ProjectFile.model_json_schema()
    service = Service.model_json_schema()
    keys = {
        name: schema
        for name, schema in service["properties"].items()
        if name not in NOT_IN_PROJECT
    }
    step = keys["steps"]["items"]
    keys["steps"] = {
        **keys["steps"], "items": {"anyOf": [{"type": "string"}, step]},
    }  # fmt: skip
    defaults = {"type": "object", "additionalProperties": False, "properties": keys}
    environments = {
        "type": "array",
        "items": {"type": "string"},
        "minItems": 1,
        "description": "The environments in which it runs; by default, all of them.",
    }
    definitions = {
        **project["$defs"], **service["$defs"],
        "Defaults": defaults,
        "Service": {
            **defaults,
            "oneOf": service["oneOf"],
            "properties": {**keys, "environments": environments},
        },
    }  # fmt: skip
    used = {
        name: schema
        for name, schema in definitions.items()
        if name not in {"Registration", "ProjectFolder"}
    }
    properties = project["properties"]
    named = {
        key: {
            **properties[key],
            "patternProperties": {f"^{PART}$": {"$ref": f"#/$defs/{definition}"}},
            "additionalProperties": False,
        }
        for key, definition in (
            ("environments", "Environment"), ("services", "Service")
        )
    }  # fmt: skip
    common = {
        "$ref": "#/$defs/Defaults",
        "description": properties["defaults"]["description"],
    }
    return {
        "$schema": service["$schema"],
        **project,
        "$defs": used,
        "properties": {**properties, **named, "defaults": common},
    }
