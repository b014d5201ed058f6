"""Run one deployment from any state: launch it, follow it, and record its end."""

import os
import threading
from contextlib import suppress
from pathlib import Path

from structlog.contextvars import bound_contextvars

from app import project_folder
from app.disk_space import no_room
from app.domain.credential import secrets as secrets_in
from app.domain.deployment import Deployment, Outcome, Status, canceled_by
from app.domain.service import Service
from app.domain.service_changes import changed_keys
from app.domain.service_name import file_of
from app.domain.trace import trace_id_of
from app.encryption import SecretBox
from app.errors import BadSetting, Conflict, LaunchFailed, Unavailable
from app.log import get
from app.project_folder import Reach
from app.runner.masking import Masker
from app.runner.working_tree import working_tree
from app.services_folder import read_one
from app.settings import Settings
from app.store.deployments import LockedDeployment
from app.store.store import Store
from app.usecases import (
    artifacts,
    deploy,
    host_keys,
    record,
    retry_plans,
    run_credentials,
)
from app.worker import cgroup
from app.worker.journal_follower import Follower, Interrupted, Vanished
from app.worker.launch import launch
from app.worker.redact import redact
from app.worker.run import Run, run_of
from app.worker.run_processes import RunProcesses
from app.worker.termination import Termination

log = get("worker")

#: Seconds between attempts to reach the database: initial and maximum.
PATIENCE = (0.2, 5.0)
#: Seconds between checks of the processes of a run that can't be followed.
LOOK_EVERY = 0.25

VANISHED = (
    "the run vanished: its processes are gone and it left no exit code "
    "(was this host restarted, or the run killed?)"
)


class DeploymentRunner:
    """Runs deployments on this host: one call for each, in its own thread."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        secret_box: SecretBox,
        stop: threading.Event,
        reach: Reach,
    ) -> None:
        """`reach` returns with what the repositories of projects are fetched."""
        self._store = store
        self._settings = settings
        self._secret_box = secret_box
        self._stop = stop
        self._reach = reach
        #: The pids of the wrappers that this process has started, by deployment.
        self._children: dict[int, int] = {}

    def run(self, deployment_id: int) -> None:
        """Run a deployment to its end, or resume it from any state.

        Waits while the database is unavailable. Raises Interrupted when the worker
        stops: the run continues, and this must be called again.
        """
        with bound_contextvars(deployment=deployment_id):
            self._run(deployment_id)

    def _run(self, deployment_id: int) -> None:
        wait, longest = PATIENCE
        while True:
            try:
                deployment = self._launched(deployment_id)
                if not deployment.ended:
                    self._follow(deployment)
                break
            except Unavailable as error:
                log.warning("store.unavailable", deployment=deployment_id,
                            error=str(error))  # fmt: skip
                if self._stop.wait(wait):
                    raise Interrupted from error
                wait = min(wait * 2, longest)
        run = run_of(self._settings, deployment_id)
        # The wrapper has nothing left to do. A stopped one (SIGSTOP) would never end.
        RunProcesses(self._settings, run).kill_wrapper()
        self._reap(deployment_id)
        ended = deploy.find(self._store, deployment_id)
        run.remove_config()
        cgroup.remove(run.folder)
        try:
            artifacts.write(self._store, self._settings, ended)
        except OSError as error:
            # The artifacts are written on request. Retrying until the disk has space
            # would block the service's next deployment.
            log.warning("artifacts.failed", deployment=deployment_id,
                        error=error.strerror)  # fmt: skip
        trace = trace_id_of(deployment_id, ended.created_at, ended.service_name)
        log.info("deployment.ended", deployment=deployment_id, status=ended.status,
                 trace=trace)  # fmt: skip

    def _launched(self, deployment_id: int) -> Deployment:
        """Launch the run if it hasn't started; return the deployment's new state."""
        begun = record.mark_starting(self._store, deployment_id, self._settings.node)
        deployment = begun.deployment
        if deployment.status is not Status.STARTING:
            return deployment
        run = run_of(self._settings, deployment_id)
        source = deployment.service.project
        folder = source.folder if source else ""
        state = working_tree(Path(folder)) if folder else None
        if deployment_id not in self._children and not run.begun:
            if deployment.cancel_requested_by is not None:
                wish = canceled_by(deployment.cancel_requested_by)
                record.fail(self._store, deployment_id, wish.reason, wish.status)
                return deploy.find(self._store, deployment_id)
            try:
                present = self._require_same_config(deployment)
                child = self._start(begun, present)
                self._children[deployment_id] = child
            except (LaunchFailed, BadSetting) as error:
                log.warning("launch.failed", deployment=deployment_id)
                record.fail(self._store, deployment_id, str(error))
                return deploy.find(self._store, deployment_id)
            trace = trace_id_of(
                deployment_id, deployment.created_at, deployment.service_name
            )
            log.info("launch.done", deployment=deployment_id, pid=child, trace=trace)
        return record.mark_running(self._store, deployment, state)

    def _start(self, begun: LockedDeployment, present: Service) -> int:
        """Launch the run; return the pid of its wrapper.

        Its project may name another credential by now than it did at the launch.

        Raises LaunchFailed and BadSetting.
        """
        secret = self._secret_box.open(begun.secrets)
        credentials = run_credentials.take(
            self._store,
            self._secret_box,
            begun.deployment.id,
            run_as=self._settings.run_as,
            git_credential=present.project.credential if present.project else "",
        )
        name = begun.deployment.service_name
        return launch(
            self._settings,
            begun.deployment,
            run_credentials.variables_of(secret),
            credentials,
            host_keys.known_hosts_of(self._store, name),
            retry_plans.owed_first(self._store, begun.deployment),
            # The versions of a file are compared within a project.
            self._secret_box.fingerprint(f"files of {name.split('/')[0]}".encode()),
        )

    def _require_same_config(self, deployment: Deployment) -> Service:
        """Return the present service; raise LaunchFailed if it has changed.

        The run uses the file in the service's folder. It may have changed while the
        deployment was queued, or since the last sync.
        """
        name = deployment.service_name
        source = deployment.service.project
        commit = source.commit if source else ""
        services, data = self._settings.services, self._settings.data
        if commit:
            folder = services / name.partition("/")[0]
            if problem := project_folder.fetch(folder, data, self._reach, commit):
                raise LaunchFailed(problem.removesuffix("."))
        present = read_one(services, data, name, commit, deployment.ref)
        if isinstance(present, str):
            why = present.removesuffix(".")
            raise LaunchFailed(f"{why}; correct this and launch {name} again")
        if changed := changed_keys(deployment.service, present):
            raise LaunchFailed(
                f"{file_of(name)} has changed since it was launched "
                f"({', '.join(changed)}); sync the services and launch {name} again"
            )
        return present

    def _follow(self, deployment: Deployment) -> None:
        run: Run = run_of(self._settings, deployment.id)
        begun = record.mark_starting(self._store, deployment.id, self._settings.node)
        # Placed credentials and the output of commands aren't in there. The runner of a
        # playbook knows them, and masks everything before it is in the journal; its own
        # errors never have a value. FastDeploy can't know what a script reads itself.
        masker = Masker(secrets_in(self._secret_box.open(begun.secrets)))
        try:
            follower = Follower(
                self._store,
                run,
                deployment,
                masker,
                self._stop,
                end=lambda outcome: Termination(self._settings, run, outcome),
                processes=RunProcesses(self._settings, run),
            )
            exit_code, ended = follower.follow()
        except FileNotFoundError:
            self._end_unrecorded(run)
            run.remove_config()
            record.fail(self._store, deployment.id, VANISHED)
        except Vanished as gone:
            # The wrapper, which normally removes it, vanished with the run.
            run.remove_config()
            self._prepare_end(deployment, run, masker)
            outcome = gone.ended or Outcome(Status.FAILED, VANISHED)
            record.fail(self._store, deployment.id, outcome.reason, outcome.status,
                          at=follower.clock.now())  # fmt: skip
        except Conflict:
            log.warning("follow.superseded", deployment=deployment.id)
            raise
        else:
            # This happens before recording the end deletes the secrets: after a crash,
            # the next worker needs them to redact the journal.
            self._prepare_end(deployment, run, masker)
            trouble = no_room(self._settings.runs) if run.filled_disk() else ""
            record.finish(self._store, deployment.id, exit_code, ended, trouble,
                          at=follower.clock.now())  # fmt: skip

    def _end_unrecorded(self, run: Run) -> None:
        """End the processes of a run whose journal was removed. Raises Interrupted."""
        outcome = Outcome(Status.FAILED, VANISHED)
        processes = RunProcesses(self._settings, run)
        ending: Termination | None = None
        while run.alive() or processes.count():
            ending = ending or Termination(self._settings, run, outcome)
            ending.press_on()
            if self._stop.wait(LOOK_EVERY):
                raise Interrupted

    def _prepare_end(self, deployment: Deployment, run: Run, masker: Masker) -> None:
        """Discard foreign artifacts and redact the journal before recording the end."""
        try:
            artifacts.discard(self._settings, deployment.id)
        except OSError as error:
            log.warning("artifacts.left", path=error.filename, error=error.strerror)
        try:
            redact(run.journal, masker)
        except OSError as error:
            log.warning("redact.failed", path=str(run.journal), error=error.strerror)

    def _reap(self, deployment_id: int) -> None:
        """Reap the wrapper if it is a child process, so that it isn't left a zombie."""
        child = self._children.pop(deployment_id, None)
        if child is not None:
            with suppress(ChildProcessError):
                os.waitpid(child, 0)
