"""A service: the content of `services/<name>/config.json` and its rules."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from app.domain import options as options_of_ansible
from app.domain import plain_path, secret_names, variable_schema
from app.domain.acceleration import AccelerateKey
from app.domain.approval import (
    DEFAULT_APPROVAL_TIMEOUT,
    ApprovalKey,
    ApprovalTimeoutKey,
)
from app.domain.confirm import ConfirmKey
from app.domain.credential_names import Credentials
from app.domain.file_history_key import FileHistoryKey
from app.domain.labels import Labels
from app.domain.notify_rules import Notify
from app.domain.options import NO_OPTIONS, OptionName, Options
from app.domain.push import PushRules
from app.domain.registration import Registration
from app.domain.retention import Keep
from app.domain.schedule import Schedules
from app.domain.service_name import NAME, file_of
from app.domain.source import Source
from app.domain.speed import DEFAULT_SPEED, SpeedKey
from app.domain.step_spec import DeclaredSteps
from app.runner import credential_references, extra_vars
from app.runner import environment as environment_rules

#: A launch variable's name: a valid variable name of Ansible.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
DEFAULT_TIMEOUT = 3600

#: The defaults of keys that only go with a playbook.
_DEFAULTS_OF_PLAYBOOKS = (
    ("speed", DEFAULT_SPEED), ("accelerate", "none"), ("file_history", True),
)  # fmt: skip
_Path = Annotated[str, Field(min_length=1, max_length=255)]


class Service(BaseModel):
    """The content of a config.json: a script service or a playbook service."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        title="FastDeploy service",
        json_schema_extra={
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "oneOf": [{"required": ["deploy_script"]}, {"required": ["playbook"]}],
        },
    )

    name: Annotated[
        str,
        Field(pattern=NAME, description="The same as the name of its folder."),
    ]
    description: Annotated[str, Field(max_length=2000)] = ""
    labels: Labels = ()
    deploy_script: Annotated[
        _Path | None,
        Field(description="A program in this folder; called with --config FILE."),
    ] = None
    playbook: Annotated[
        _Path | None, Field(description="An Ansible playbook in this folder.")
    ] = None
    inventory: Annotated[
        _Path | None,
        Field(
            description="An inventory in this folder. Without it, the one that "
            "ansible.cfg names; without that, this host."
        ),
    ] = None
    sops_files: Annotated[
        tuple[_Path, ...],
        Field(
            max_length=100,
            description="Files in this folder, encrypted by SOPS: variables of the "
            "playbook, decrypted by the user that runs it. Their values are secrets.",
        ),
    ] = ()
    credentials: Credentials = ()
    environment: Annotated[
        dict[
            Annotated[str, Field(pattern=environment_rules.NAME)],
            Annotated[str, Field(max_length=4096)],
        ],
        Field(
            max_length=100,
            description="Environment variables of its runs. No secrets: everybody who "
            "may look at the service sees them.",
        ),
    ] = {}
    steps: DeclaredSteps = ()
    variables: Annotated[
        dict[str, Any],
        Field(
            description="A JSON Schema of type object: what may be set at launch. "
            "A property that is writeOnly is a secret."
        ),
    ] = {}
    fixed_variables: Annotated[
        dict[str, Any],
        Field(
            description="Variables of every run. A launch can't change them. No "
            "secrets: everybody who may look at the service sees them."
        ),
    ] = {}
    options: Annotated[
        tuple[OptionName, ...],
        Field(
            max_length=len(OptionName.__args__),
            description="Options of ansible-playbook that may be set at launch.",
        ),
    ] = ()
    option_defaults: Annotated[
        Options,
        Field(
            description="Options of every run; at launch, only those in `options` may "
            "be changed."
        ),
    ] = NO_OPTIONS
    speed: SpeedKey = DEFAULT_SPEED
    allow_empty: Annotated[
        bool,
        Field(
            description="Whether a run may succeed that matches no host, or selects no "
            "task."
        ),
    ] = False
    accelerate: AccelerateKey = "none"
    file_history: FileHistoryKey = True
    confirm: ConfirmKey = False
    approval: ApprovalKey = False
    approval_timeout: ApprovalTimeoutKey = DEFAULT_APPROVAL_TIMEOUT
    queue: Annotated[
        Literal["all", "latest"],
        Field(
            description="What waits: every launch, or the latest alone, which "
            "replaces one that is still queued."
        ),
    ] = "all"
    keep: Annotated[
        Keep,
        Field(description="Limits of this service, over those of the settings."),
    ] = Keep()
    schedules: Schedules = ()
    on_push: PushRules = ()
    notify: Notify = ()
    timeout: Annotated[
        int, Field(ge=1, le=7 * 24 * 3600, description="Seconds a run may take.")
    ] = DEFAULT_TIMEOUT
    registration: Annotated[
        Registration | None,
        Field(description="How it was registered; written by the role that does it."),
    ] = None
    refs: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=255)], ...],
        Field(
            max_length=100,
            description="Patterns of the branches and tags that may be deployed, of a "
            "git project; empty: all.",
        ),
    ] = ()
    project: Annotated[
        Source | None,
        Field(description="Where its project is; written by the sync of a project."),
    ] = None

    @field_validator("deploy_script")
    @classmethod
    def _program_in_its_folder(cls, value: str | None) -> str | None:
        return None if value is None else plain_path.require_program(value)

    @field_validator("playbook", "inventory")
    @classmethod
    def _inside_its_folder(cls, value: str | None) -> str | None:
        return None if value is None else plain_path.require(value)

    @field_validator("sops_files")
    @classmethod
    def _each_file_once_and_inside(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            plain_path.require(name)
        if len(value) != len(set(value)):
            raise ValueError("must name each file once")
        return value

    @field_validator("environment")
    @classmethod
    def _free_environment(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if problem := environment_rules.find_problem(name, text):
                raise ValueError(problem)
        return value

    @field_validator("variables")
    @classmethod
    def _a_schema_of_an_object(cls, value: dict[str, Any]) -> dict[str, Any]:
        variable_schema.require_valid(value)
        if value.get("type", "object") != "object":
            raise ValueError('must be a schema of "type": "object"')
        properties = value.get("properties", {})
        for name, schema in properties.items():
            if not VARIABLE.fullmatch(name):
                raise ValueError(f'"{name}" is not a name of an Ansible variable')
            if not isinstance(schema, dict):
                raise ValueError(f"{name}: must be a JSON object")  # noqa: TRY004 - pydantic wants ValueError
        return value

    @field_validator("fixed_variables")
    @classmethod
    def _names_of_variables(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if not VARIABLE.fullmatch(name):
                raise ValueError(f'"{name}" is not a name of an Ansible variable')
        if problem := extra_vars.find_problem(value):
            raise ValueError(problem)
        return value

    @model_validator(mode="after")
    def _one_kind(self) -> "Service":
        if (self.deploy_script is None) == (self.playbook is None):
            raise ValueError('needs exactly one of "deploy_script" and "playbook"')
        for key in ("inventory", "sops_files", "options"):
            if getattr(self, key) and not self.playbook:
                raise ValueError(f'"{key}" goes with "playbook"')
        if self.option_defaults.given and not self.playbook:
            raise ValueError('"option_defaults" goes with "playbook"')
        for key, default in _DEFAULTS_OF_PLAYBOOKS:
            if getattr(self, key) != default and not self.playbook:
                raise ValueError(f'"{key}" goes with "playbook"')
        if problem := credential_references.find_problem(
            list(self.credentials), self.environment
        ):
            raise ValueError(f'"credentials" {problem}')
        for name in self.fixed_variables:
            if name in self.properties:
                raise ValueError(
                    f'{name} is in both "variables" and "fixed_variables": a launch '
                    "can't set a fixed variable"
                )
        return self

    @property
    def first_position(self) -> int:
        """The position of its first step.

        A run in a project may begin with the step that builds what the project needs.
        """
        return 2 if self.project and self.playbook else 1

    def choose_options(self, asked: Options) -> Options:
        """Return the options of a launch; raise Invalid if one isn't allowed."""
        return options_of_ansible.choose(
            self.options, self.option_defaults, asked, file_of(self.name)
        )

    @property
    def program(self) -> str:
        """The file in the service's or runner's folder that a run executes."""
        return self.deploy_script or "deploy.py"

    @property
    def properties(self) -> dict[str, dict[str, Any]]:
        """The JSON Schema of each launch variable, by name."""
        properties: dict[str, dict[str, Any]] = self.variables.get("properties", {})
        return properties

    @property
    def shown_variables(self) -> dict[str, Any]:
        """The schema of the launch variables, as viewers of the service may see it.

        Empty if an earlier release stored a schema that contains values of secrets.
        """
        hidden = self.secret_names and variable_schema.gives_secrets(self.variables)
        return {} if hidden else self.variables

    @property
    def secret_names(self) -> frozenset[str]:
        """The secret variables: those with `writeOnly` anywhere in their schema."""
        return secret_names.among(self.variables)
