"""The playbook run itself: ansible-runner, with an environment and pipes of ours."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner

from .definition import Definition
from .fallback import Fallback
from .forward import Listener

__all__ = ["Fallback", "run"]


class _Config(RunnerConfig):  # type: ignore[misc] # ansible-runner has no types
    """ansible-runner's preparation, with two of its choices replaced.

    It hands on the caller's whole environment and puts its own callback in; ours is
    built, and the listener says which callback. And it runs ansible-playbook on a
    pseudo terminal; plain pipes do, which neither time out nor let a prompt wait for
    ever.
    """

    def __init__(
        self, env: dict[str, str], terminal: int, stdin: IO[bytes], **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._built = env
        self.input_fd = stdin
        self.output_fd = self.error_fd = terminal

    def prepare_env(self) -> None:
        super().prepare_env()
        self.env = self._built
        self.runner_mode = "subprocess"
        self.suppress_output_file = True


def run(
    definition: Definition,
    *,
    private: Path,
    ident: str,
    env: dict[str, str],
    listener: Listener,
    on_status: Callable[[str], None],
) -> int:
    """Run the playbook in its folder; return ansible-playbook's exit code.

    `private` is ansible-runner's private data folder. `on_status` gets each status; the
    last one when ansible-playbook has ended. A death by signal N is 128 + N.
    """
    with Path(os.devnull).open("rb") as stdin:
        config = _Config(
            env,
            listener.terminal,
            stdin,
            private_data_dir=str(private),
            project_dir=str(definition.folder),
            playbook=str(definition.playbook),
            inventory=str(definition.inventory) if definition.inventory else None,
            ident=ident,
            fact_cache_type="memory",
            quiet=True,
        )
        config.prepare()
        runner = Runner(config, status_handler=_status_handler(on_status))
        config.env |= listener.start(runner)
        runner.run()
    code = int(runner.rc)
    return code if code >= 0 else 128 - code


def _status_handler(on_status: Callable[[str], None]) -> Callable[..., None]:
    # The rest of a status is the command and the environment, for nobody's eyes.
    def handle(data: dict[str, Any], runner_config: object) -> None:  # noqa: ARG001
        on_status(data["status"])

    return handle
