"""Checks of one service, one function per check."""

import shlex

from app.doctor.checks_sudo import program_of, users_of
from app.doctor.facts import EXECUTE, READ, HostFacts, RunAsSetup, ServiceFacts
from app.doctor.remedies import exposed, register, register_project, start_worker
from app.domain.acceleration import explain_version
from app.domain.finding import Finding, Level
from app.domain.project_checks import check_project, problems
from app.domain.prompt_variables import declare
from app.domain.service import Service
from app.runner.mitogen_strategies import describe_range

OK, PROBLEM = Level.OK, Level.PROBLEM

SYNC = "fastdeploy service sync"


def check_service(host: HostFacts, service: ServiceFacts) -> list[Finding]:
    """Run the checks of one service on a host."""
    if _elsewhere(service):
        assert service.known is not None
        return [Finding(
            OK, f"{service.name}: node", "It is not registered on this host but on "
            f"{', '.join(service.known.nodes)}; ask the doctor there.",
        )]  # fmt: skip
    found = [definition(host, service)]
    if service.known is not None:
        found += [catalogue(service), node(host, service)]
    found += copies(service)
    if isinstance(service.definition, Service):
        found += projects(service.definition, service)
        found += launch_variables(service.definition)
        found += acceleration(service.definition, service)
        found.append(program(host, service))
        if host.switch is not None and not host.switch.rules.refusal:
            found.append(sudoers(host, host.switch, service))
    return found


def definition(host: HostFacts, service: ServiceFacts) -> Finding:
    """Check that config.json exists, is readable by FastDeploy, and is valid."""
    file = service.config
    about = f"{service.name}: {file.path.name}"
    fix = SYNC if host.switch is None else f"{_register(service)} && {SYNC}"
    if service.definition is None:
        return Finding(PROBLEM, about, f"There is no folder {service.folder}.", fix)
    if file.hidden or (file.mode is not None and not file.open_to(host.user, READ)):
        named = shlex.quote(str(file.path))
        return Finding(
            PROBLEM, about, f"{host.user.name} can't read {file.path}.",
            f"chgrp {host.user.name} {named} && chmod 0640 {named}",
        )  # fmt: skip
    if isinstance(service.definition, str):
        return Finding(PROBLEM, about, f"{service.definition}.", fix)
    return Finding(OK, about, "It is there and valid.")


def projects(definition: Service, service: ServiceFacts) -> list[Finding]:
    """Check that a run finds its files and requirements and prompts for no input."""
    found = [each for seen in service.projects
             for each in check_project(definition, seen)]  # fmt: skip
    return found or [Finding(
        OK, f"{service.name}: folder", "What it names is there, and nothing in it "
        "waits for an answer.",
    )]  # fmt: skip


def copies(service: ServiceFacts) -> list[Finding]:
    """Warn about files that FastDeploy and the runner of a project have otherwise.

    FastDeploy shows and launches services by its own copy, and the runner decides by
    another one what may run.
    """
    name = _registered(service)
    return [
        Finding(
            Level.WARNING, f"{name}: {own.name}",
            f"{own} differs from {other}, so that the runner may refuse what "
            "FastDeploy launches: register the project again.", _register(service),
        )
        for own, other in service.differing
    ]  # fmt: skip


def launch_variables(definition: Service) -> list[Finding]:
    """Warn about launch variables that configure Ansible's connections.

    `ansible_ssh_common_args`, `ansible_python_interpreter` and others name commands
    that Ansible executes on this host.
    """
    named = [name for name in definition.properties if name.startswith("ansible_")]
    if not named:
        return []
    return [Finding(
        Level.WARNING, f"{definition.name}: variables",
        "Everyone who may launch it can set how Ansible connects, and so execute "
        f"commands as the user of the run: {', '.join(named)}. Remove them from "
        '"variables", or allow only certain values with "enum".',
    )]  # fmt: skip


def acceleration(definition: Service, service: ServiceFacts) -> list[Finding]:
    """Warn if runs that ask for mitogen do without it in their Ansible."""
    if definition.accelerate != "mitogen":
        return []
    about, problem = f"{service.name}: mitogen", explain_version(service.ansible_core)
    if problem:
        return [Finding(Level.WARNING, about, problem)]
    if not service.ansible_core:
        return [Finding(
            OK, about, "Its first run shows whether its ansible-core is in the range: "
            f"{describe_range()}.",
        )]  # fmt: skip
    return [Finding(OK, about, f"It works with ansible-core {service.ansible_core}.")]


def catalogue(service: ServiceFacts) -> Finding:
    """Check that the stored service matches config.json."""
    about, known = f"{service.name}: stored version", service.known
    file = service.config.path.name
    if known is None or not isinstance(service.definition, Service):
        return Finding(
            OK, about, f"It follows {service.config.path.name} once that is fixed."
        )
    # The first project is the services folder, which a sync reads.
    if any(problems(service.definition, each) for each in service.projects[:1]):
        return Finding(OK, about, "It follows the service's folder once that is fixed.")
    if known.archived:
        return Finding(PROBLEM, about, "It is archived, though its folder is there.",
                       SYNC)  # fmt: skip
    if service.node not in known.nodes:
        return Finding(
            PROBLEM, about, f"FastDeploy doesn't know yet that {service.node} has it "
            "and that it is valid.", SYNC,
        )  # fmt: skip
    present = service.definition
    for each in service.projects[:1]:
        present = declare(present, each.prompts)
    if known.error or known.service != present:
        return Finding(
            PROBLEM, about, f"FastDeploy knows another version than {file} has.", SYNC,
        )  # fmt: skip
    return Finding(OK, about, f"FastDeploy knows what {file} says.")


def node(host: HostFacts, service: ServiceFacts) -> Finding:
    """Check that a ready node can run deployments of the service."""
    about, known = f"{service.name}: node", service.known
    if known is not None and known.error:
        return Finding(OK, about, "It can be deployed once it is valid.")
    if known is None or not known.ready:
        return Finding(
            PROBLEM, about, "No worker that is ready has it: deployments wait.",
            start_worker(host),
        )  # fmt: skip
    return Finding(OK, about, f"It can be deployed on {', '.join(known.ready)}.")


def program(host: HostFacts, service: ServiceFacts) -> Finding:
    """Check that the program of a run exists and that only root can change it."""
    about, file = f"{service.name}: program", service.program
    runner = host.user if host.switch is None else host.switch.deploy
    if host.switch is None and _is_playbook(service):
        return Finding(OK, about, "Its playbook is run from its folder.")
    if host.switch is not None:
        weak = file.weak_spot(users_of(host))
        if weak is not None:
            return exposed(about, weak)
    named = shlex.quote(str(file.path))
    if file.hidden:
        if service.found_by_sudo is False:
            return Finding(
                PROBLEM, about, f"sudo finds no {file.path} that can be executed.",
                _register(service),
            )  # fmt: skip
        seen = (
            "sudo finds it" if service.found_by_sudo else "it can't be seen from here"
        )
        return Finding(OK, about, f"{file.path}: {seen}; its folder is root's alone.")
    if file.mode is None:
        return Finding(PROBLEM, about, f"{file.path} is missing.", _register(service))
    if runner is not None and not (file.mode & 0o111 and file.open_to(runner, EXECUTE)):
        group = f"chgrp {runner.name} {named} && " if host.switch else ""
        return Finding(
            PROBLEM, about, f"{runner.name} can't execute {file.path}.",
            f"{group}chmod ug+x {named}",
        )  # fmt: skip
    return Finding(OK, about, f"{file.path} can be executed.")


def sudoers(host: HostFacts, switch: RunAsSetup, service: ServiceFacts) -> Finding:
    """Check that sudo has exactly one rule for the service's program."""
    about = f"{service.name}: sudoers"
    fix = _register(service)
    program = program_of(service.rule)
    rules = [rule for rule in switch.rules.lines if program_of(rule) == program]
    rest = [rule for rule in rules if rule != service.rule]
    file = f"/etc/sudoers.d/fastdeploy_{_registered(service)}"
    if rest:
        return Finding(
            PROBLEM, about, f"sudo lets {host.user.name} call {program} otherwise "
            f"than it was registered: {', '.join(rest)}.", fix,
        )  # fmt: skip
    if not rules:
        return Finding(
            PROBLEM, about, f"sudo doesn't let {host.user.name} run {program} as "
            f"{switch.run_as}; the rule belongs into {file}.", fix,
        )  # fmt: skip
    return Finding(OK, about, "sudo has the one rule that it needs.")


def _elsewhere(service: ServiceFacts) -> bool:
    """Return whether the service is registered on other hosts only."""
    known = service.known
    return (
        service.definition is None
        and known is not None
        and bool(known.nodes)
        and service.node not in known.nodes
    )


def _register(service: ServiceFacts) -> str:
    """Return the command that registers the service, or its project, again."""
    name = _registered(service)
    is_project = "/" in service.name or service.config.path.name != "config.json"
    return register_project(name) if is_project else register(name)


def _registered(service: ServiceFacts) -> str:
    """Return what is registered: the service, or its project."""
    return service.folder.name


def _is_playbook(service: ServiceFacts) -> bool:
    of = service.definition
    return isinstance(of, Service) and of.playbook is not None
