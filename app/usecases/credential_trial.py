"""Try a credential: is it what a host accepts, or what decrypts a file?"""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.credential import Home, require_reference
from app.domain.service_name import split
from app.encryption import SecretBox
from app.errors import Conflict, Invalid, NotFound
from app.runner import git_fetch, project_source
from app.runner.credential_kinds import GIT_KINDS, Kind
from app.runner.credentials import Credential
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.secret_pipe import secret_pipe
from app.store import audit, credentials, host_keys
from app.store.store import Store
from app.usecases import ssh_trial
from app.usecases.host_keys import known_hosts_of
from app.usecases.ssh_trial import Host

#: Seconds that ansible-vault may take.
_PATIENCE = 60
#: The kinds with which a host is reached.
BY_SSH = (Kind.SSH, Kind.PASSWORD)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a credential is tried."""

    host: str = ""
    port: int = 22
    user: str = ""
    #: A known_hosts file; empty: that of the user who calls this.
    known_hosts: str = ""
    #: The text of a file that ansible-vault has encrypted.
    vaulted: str = ""
    #: The credential with which a host is reached to try a become password.
    ssh: str = ""
    #: The URL of a git repository, and the project that it is of, if any.
    url: str = ""
    project: str = ""


def url_of(services: Path, project: str) -> str:
    """Return the URL of the repository of a project.

    Raises:
        NotFound: There is no such project.
        Invalid: It has no repository.
    """
    parts = split(project)
    folder = services / project
    if parts is None or parts.project or not project_source.is_project(folder):
        raise NotFound(f"there is no project {project!r}")
    try:
        source = project_source.read(folder)
    except RunnerError as error:
        raise Invalid(str(error).removesuffix(".")) from None
    if source.git is None:
        raise Invalid(f"{project} is a folder, which isn't fetched")
    return source.git.url


def try_on(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    reference: str,
    target: Target,
) -> str:
    """Try a stored credential on a host or a file; return a sentence about its success.

    A token is only decrypted, and so is a vault password without a file.

    Raises:
        NotAllowed: The actor may not manage credentials.
        NotFound: There is no such credential.
        Invalid: The target doesn't fit.
        Conflict: The host or the program refused it, with the reason.
    """
    actor.require(Permission.CREDENTIALS)
    one = _open(store, secret_box, actor, reference)
    if one.kind is Kind.VAULT and target.vaulted:
        return _vault(one.main, target.vaulted)
    if one.kind in GIT_KINDS:
        return _git(one, target, store)
    if one.kind not in (*BY_SSH, Kind.BECOME):
        return f"{reference} can be decrypted; only a run shows whether it is accepted"
    if not target.host:
        raise Invalid("give the host to try it on: --host")
    host = Host(target.host, target.port, target.user, target.known_hosts,
                _accepted(store))  # fmt: skip
    if one.kind in BY_SSH:
        return ssh_trial.log_in(one, host)
    if not target.ssh or require_reference(target.ssh)[0] not in BY_SSH:
        raise Invalid(
            "give the credential that reaches the host, of the kind ssh or password: "
            "--ssh ssh:prod"
        )
    return ssh_trial.become_root(one, _open(store, secret_box, actor, target.ssh), host)


def _open(
    store: Store, secret_box: SecretBox, actor: Actor, reference: str
) -> Credential:
    """Decrypt a credential; the audit log says so. Raises NotFound and Conflict."""
    kind, name = require_reference(reference)
    with store.begin() as db:
        found = credentials.find_some(db, [reference]).get(reference)
        if found is None:
            raise NotFound(f"there is no credential {reference}")
        audit.note(db, actor, Action.TEST_CREDENTIAL, reference)
    if found.credential.home is not Home.STORED:
        raise Conflict(
            f"{reference} is {found.credential.home}: FastDeploy doesn't have its value"
        )
    return Credential(kind, name, secret_box.open(found.sealed))


def _git(one: Credential, target: Target, store: Store) -> str:
    """Ask a repository for its HEAD. Raises Invalid and Conflict."""
    if not target.url:
        raise Invalid("give the project to try it on: --project, or a URL: --url")
    known = known_hosts_of(store, target.project) if target.project else ""
    try:
        git_fetch.reach(target.url, _PATIENCE, Access(one, known, target.project))
    except RunnerError as error:
        raise Conflict(str(error).removesuffix(".")) from None
    return f"{target.url} can be read with it"


def _accepted(store: Store) -> str:
    """Return the host keys that administrators accepted, as known_hosts lines."""
    with store.begin() as db:
        lines = {each.key.line for each in host_keys.list_keys(db)}
    return "".join(f"{line}\n" for line in sorted(lines))


def _vault(password: str, vaulted: str) -> str:
    """Decrypt a text of ansible-vault, without showing it. Raises Conflict."""
    program = Path(sys.executable).with_name("ansible-vault")
    with secret_pipe(password) as reader:
        try:
            done = subprocess.run(
                [program, "decrypt", "--vault-password-file", f"/dev/fd/{reader}",
                 "--output", "-"],
                input=vaulted, stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE, text=True, errors="replace",
                timeout=_PATIENCE, check=False, pass_fds=[reader],
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise Conflict(
                f"ansible-vault took longer than {_PATIENCE} seconds"
            ) from None
    if done.returncode != 0:
        raise Conflict(f"it doesn't decrypt the file: {_last_line(done)}")
    return "it decrypts the file"


def _last_line(done: "subprocess.CompletedProcess[str]") -> str:
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return lines[-1].strip() if lines else f"exit code {done.returncode}"
