"""Check that a service can run from its folder; used by sync and doctor."""

import shlex
from collections.abc import Iterator

from app.domain import schedule_checks
from app.domain.finding import Finding, Level
from app.domain.project import Project
from app.domain.prompt_variables import declare
from app.domain.service import Service
from app.runner import asking_options
from app.runner.prompts import unanswered

PROBLEM = Level.PROBLEM


def check_project(service: Service, project: Project) -> list[Finding]:
    """Return a finding for each problem or warning about the service's folder."""
    return [
        *_files(service, project),
        *_prompts(service, project),
        *_requirements(service, project),
        *_vault(service, project),
        *_host_keys(service, project),
    ]


def problems(service: Service, project: Project) -> list[Finding]:
    """Return the findings that prevent the service from running, without warnings."""
    found = check_project(service, project)
    return [finding for finding in found if finding.level is PROBLEM]


def _files(service: Service, project: Project) -> Iterator[Finding]:
    about = f"{service.name}: files"
    for refusal in project.refusals:
        yield Finding(PROBLEM, about, f"{refusal.sentence.rstrip('.')}.")
    if project.not_executable is not None:
        path = project.not_executable
        fix = f"chmod +x {shlex.quote(str(path))}"
        yield Finding(
            PROBLEM, about, f"{path} can't be executed; allow it by `{fix}`.", fix
        )


def _prompts(service: Service, project: Project) -> Iterator[Finding]:
    about = f"{service.name}: prompts"
    declared = declare(service, project.prompts)
    fixed = service.fixed_variables
    for prompt in unanswered(project.prompts, _always_set(declared), fixed):
        if not (prompt.variable and service.sops_files):
            yield Finding(PROBLEM, about, str(prompt))
        # Otherwise the runner decides: the encrypted variables aren't known here.
    for option in asking_options.unanswered(
        project.asking_options, service.credentials
    ):
        yield Finding(PROBLEM, about, str(option))
    if declared is not service:
        for place, problem in schedule_checks.problems(declared):
            where = ".".join(map(str, place))
            yield Finding(PROBLEM, about, f"{where}: {problem} (vars_prompt).")


def _always_set(service: Service) -> frozenset[str]:
    """Return the variables that are set in every launch."""
    required = service.variables.get("required", [])
    return frozenset(service.fixed_variables) | frozenset(
        name
        for name, schema in service.properties.items()
        if name in required or "default" in schema
    )


def _requirements(service: Service, project: Project) -> Iterator[Finding]:
    for required in project.requirements:
        names = ", ".join(required.missing)
        listed = " or list the file in the project's requirements"
        yield Finding(
            PROBLEM, f"{service.name}: {required.kind}s",
            f"{required.file} asks for {names}, which the run would not find; install "
            f"it by `{required.install}`{listed if service.project else ''}.",
            required.install,
        )  # fmt: skip


def _vault(service: Service, project: Project) -> Iterator[Finding]:
    for path in project.missing_vault_files:
        yield Finding(
            PROBLEM, f"{service.name}: vault",
            f"ansible.cfg names {path} for vault passwords, which is missing: put it "
            "there, readable by the user of the run alone.",
        )  # fmt: skip


def _host_keys(service: Service, project: Project) -> Iterator[Finding]:
    about = f"{service.name}: host keys"
    for value in project.not_booleans:
        yield Finding(Level.WARNING, about, not_boolean(value))
    if not project.not_booleans:
        for setting in project.unchecked_host_keys:
            yield Finding(
                Level.WARNING, about, f"Host keys aren't checked: {setting}. Remove "
                "it, and accept the keys of the hosts.",
            )  # fmt: skip


def not_boolean(value: str) -> str:
    """Return the warning about a value of host_key_checking."""
    return (
        f"ansible.cfg sets host_key_checking={value[:80]}, which Ansible takes for "
        "false, so host keys aren't checked: write True or False, and options of ssh "
        "such as StrictHostKeyChecking=accept-new into ssh_args."
    )
