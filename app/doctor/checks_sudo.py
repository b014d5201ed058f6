"""Checks of the boundary between FastDeploy and its runs."""

import shlex
from collections.abc import Callable

from app.accounts import Account
from app.doctor.facts import READ, HostFacts, RunAsSetup
from app.doctor.remedies import WORKER_UNIT, exposed, override, register, set_variable
from app.domain.finding import Finding, Level

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM


def check_sudo(host: HostFacts, switch: RunAsSetup) -> list[Finding]:
    """Run the checks of a host on which runs belong to a deploy user."""
    return [privileges(host), *(check(host, switch) for check in _CHECKS)]


def privileges(host: HostFacts) -> Finding:
    """Check that the worker and this process can use sudo."""
    about = "NoNewPrivileges"
    if host.worker is not None and host.worker.no_new_privileges:
        return Finding(
            PROBLEM, about, "The worker can't become another user: no run begins.",
            override("NoNewPrivileges=false"),
        )  # fmt: skip
    if host.process.no_new_privileges:
        return Finding(
            PROBLEM, about, "This process can't use sudo, so what sudo allows can't be "
            "seen from here.", override("NoNewPrivileges=false", "fastdeploy"),
        )  # fmt: skip
    who = "this process" if host.worker is None else "the worker"
    return Finding(OK, about, f"It isn't set for {who}, so sudo can do its work.")


def deploy_user(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that the deploy user exists and is neither FastDeploy's user nor root."""
    about, user = "deploy user", switch.deploy
    if user is None:
        return Finding(PROBLEM, about, f"There is no user {switch.run_as}.",
                       register("NAME"))  # fmt: skip
    if user.uid in (0, host.user.uid):
        return Finding(
            PROBLEM, about, f"{user.name} is not a separate user: FASTDEPLOY_RUN_AS "
            f"must be neither root nor {host.user.name}.", register("NAME"),
        )  # fmt: skip
    return Finding(OK, about, f"Runs belong to {user.name}.")


def run_group(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that both users are in the group that may read a run's config file."""
    about, name, number = "run group", switch.run_group, switch.run_group_id
    if not name:
        return Finding(
            PROBLEM, about, "FASTDEPLOY_RUN_GROUP is not set: runs can't read their "
            "config file.", set_variable("FASTDEPLOY_RUN_GROUP", "fastdeploy-run"),
        )  # fmt: skip
    if number is None:
        return Finding(PROBLEM, about, f"There is no group {name}.",
                       register("NAME"))  # fmt: skip
    for user in (host.user, switch.deploy):
        if user is not None and user.uid != 0 and number not in user.gids:
            return Finding(PROBLEM, about, f"{user.name} is not in the group {name}.",
                           f"usermod -aG {name} {user.name}")  # fmt: skip
    runs = host.worker
    if runs is not None and host.user.uid != 0 and number not in runs.gids:
        return Finding(
            PROBLEM, about, f"The worker was started before {host.user.name} joined "
            f"{name}.", f"systemctl restart {WORKER_UNIT}",
        )  # fmt: skip
    return Finding(OK, about, f"FastDeploy and {switch.run_as} share {name}.")


def sudo(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that sudo allows FastDeploy's user only the registered programs."""
    about, rules, user = "sudo", switch.rules, host.user.name
    if rules.refusal and host.process.no_new_privileges:
        return Finding(WARNING, about, "It can't be asked from here, see above.")
    if rules.refusal:
        return Finding(PROBLEM, about, f"sudo lists no rules for {user}: "
                       f"{rules.refusal}.",
                       register("NAME"))  # fmt: skip
    known = {program_of(rule) for rule in (*switch.expected, switch.stop_rule)}
    foreign = [
        rule
        for rule in rules.lines
        if rule not in switch.expected
        and rule != switch.stop_rule
        and program_of(rule) not in known
    ]
    if foreign:
        return Finding(
            PROBLEM, about, f"sudo lets {user} run what was not registered: "
            f"{', '.join(foreign)}.",
            f"grep -rn {user} /etc/sudoers /etc/sudoers.d",
        )  # fmt: skip
    return Finding(OK, about, f"sudo lets {user} run what was registered, no more.")


def stop_helper(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that the stop helper can signal runs and that only root can change it."""
    about, helper, fix = "stop helper", switch.stop_helper, register("NAME")
    if helper is None:
        return Finding(
            PROBLEM, about, "FASTDEPLOY_STOP_HELPER is not set: a run can't be "
            "canceled, and its timeout has no effect.",
            set_variable("FASTDEPLOY_STOP_HELPER", "/opt/fastdeploy/bin/stop-run"),
        )  # fmt: skip
    if helper.mode is None:
        return Finding(PROBLEM, about, f"{helper.path} is not there.", fix)
    weak = helper.weak_spot(users_of(host))
    if weak is not None:
        return exposed(about, weak)
    if not helper.mode & 0o100:
        return Finding(PROBLEM, about, f"{helper.path} is not executable.",
                       f"chmod 0755 {shlex.quote(str(helper.path))}")  # fmt: skip
    if switch.rules.refusal:
        return Finding(OK, about, f"{helper.path} is root's alone.")
    if switch.stop_rule not in switch.rules.lines:
        return Finding(
            PROBLEM, about, f"sudo doesn't let {host.user.name} call {helper.path} "
            f"for the runs in {host.var}.", fix,
        )  # fmt: skip
    if not switch.rules.keeps_mark:
        return Finding(
            WARNING, about, "sudo takes the mark FASTDEPLOY_RUN from runs: what they "
            "leave behind may not be found.", fix,
        )  # fmt: skip
    return Finding(OK, about, f"{helper.path} stops runs, and is root's alone.")


def settings_file(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that the deploy user can't read the settings, which hold secrets."""
    about, file = "settings file", switch.settings_file
    if file.mode is None and not file.hidden:
        return Finding(OK, about, f"There is no {file.path} to protect.")
    if switch.deploy is not None and file.open_to(switch.deploy, READ):
        named = shlex.quote(str(file.path))
        return Finding(
            PROBLEM, about, f"{switch.run_as} can read {file.path}, which holds "
            "FastDeploy's secrets.",
            f"chown root:{host.user.name} {named} && chmod 0640 {named}",
        )  # fmt: skip
    return Finding(OK, about, f"{switch.run_as} can't read {file.path}.")


def private_files(host: HostFacts, switch: RunAsSetup) -> Finding:
    """Check that the deploy user can't read FastDeploy's own folder."""
    about, user = "var folder", switch.deploy
    readable = [
        file.path
        for file in switch.private
        if user is not None and file.open_to(user, READ)
    ]
    if readable:
        return Finding(
            PROBLEM, about, f"{switch.run_as} can read {readable[0]}.",
            f"chmod 0700 {shlex.quote(str(host.var))}",
        )  # fmt: skip
    return Finding(OK, about, f"{switch.run_as} can't read {host.var}.")


def users_of(host: HostFacts) -> list[Account]:
    """Return the users that must not be able to change an executed program."""
    deploy = host.switch.deploy if host.switch else None
    return [host.user, *([deploy] if deploy else [])]


def program_of(rule: str) -> str:
    """Return the program of a sudo rule, `(user) CWD=DIR NOPASSWD: PROGRAM …`."""
    _, _, command = rule.partition(": ")
    return command.partition(" ")[0]


_CHECKS: tuple[Callable[[HostFacts, RunAsSetup], Finding], ...] = (
    deploy_user,
    run_group,
    sudo,
    stop_helper,
    settings_file,
    private_files,
)
