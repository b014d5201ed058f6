"""With what FastDeploy itself fetches the repositories of projects."""

import os
from collections.abc import Callable

from app.domain.credential import Home
from app.domain.credential_names import missing
from app.encryption import SecretBox
from app.errors import BadSetting
from app.runner import credential_files, environment, mirror_size
from app.runner import credentials as values
from app.runner.credential_references import git_problem
from app.runner.credentials import Credential
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.project_source import ProjectSource
from app.store import credentials
from app.store.credentials import SealedCredential
from app.store.store import Store
from app.usecases.host_keys import known_hosts_of


class GitAccess:
    """Finds the credentials that projects name, as FastDeploy's own user may use them.

    One that root has placed for this user takes precedence over the database, as in a
    run. If another user runs a registered project, root may have placed it for that
    user only; FastDeploy then fetches with what its own user has.
    """

    def __init__(
        self,
        store: Store,
        secret_box: Callable[[], SecretBox],
        max_mebibytes: int = mirror_size.DEFAULT,
    ) -> None:
        """Prepare.

        Args:
            store: The store.
            secret_box: It is only made if it is needed.
            max_mebibytes: The maximum size of a mirror in MiB.
        """
        self._store = store
        self._secret_box = secret_box
        self._max_mebibytes = max_mebibytes

    def of(self, source: ProjectSource) -> Access:
        """Return with what a project is fetched.

        Raises:
            RunnerError: The credential is missing or invalid, or its command fails.
        """
        known = known_hosts_of(self._store, source.name)
        found = self._find(source.credential)
        if found is None and source.credential and source.rights is None:
            raise RunnerError(f"{source.name} {missing(source.credential)}.")
        return Access(found, known, source.name, self._max_mebibytes)

    def named(self, reference: str) -> Access:
        """Return with what a new project is fetched that names a credential, or none.

        Raises:
            RunnerError: It isn't for git, is missing or invalid, or its command fails.
        """
        if reference and (problem := git_problem(reference)):
            raise RunnerError(f"{problem}.")
        found = self._find(reference)
        if reference and found is None:
            raise RunnerError(f"the project {missing(reference)}.")
        return Access(found, max_mebibytes=self._max_mebibytes)

    def _find(self, reference: str) -> Credential | None:
        """Return a credential that this user may use; None if there is none."""
        if not reference:
            return None
        env = environment.build(os.environ, {})
        placed = values.read_placed(reference, credential_files.PLACED, env)
        with self._store.begin() as db:
            known = credentials.find_some(db, [reference]).get(reference)
            if known is not None:
                credentials.mark_used(db, [reference])
        if placed is not None or known is None or known.credential.home is Home.PLACED:
            return placed
        return values.make(reference, self._content(known), env)

    def _content(self, known: SealedCredential) -> dict[str, object]:
        try:
            content = self._secret_box().open(known.sealed)
        except BadSetting as error:
            raise RunnerError(f"{known.credential.reference}: {error}.") from None
        if known.credential.home is Home.COMMAND:
            return {**content, "command": list(known.credential.command)}
        return content
