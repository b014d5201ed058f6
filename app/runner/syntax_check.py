"""Check whether Ansible can load a playbook: `python -m app.runner.syntax_check`.

It runs `ansible-playbook --syntax-check` as a run of the service would be run: in the
same folder, with the same ansible.cfg, environment and execution environment. It needs
no inventory, so no inventory script is executed. An execution environment that isn't
built isn't built for this.

Standard output is one JSON object: `code` is the exit code of ansible-playbook, null if
the playbook wasn't checked; `output` the end of what it printed; `unknown` the names of
variables that only a launch sets; `encrypted`, whether there are further ones; and
`vault`, whether a run gets vault passwords as credentials, which a check doesn't have.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import environment, extra_vars, project_definition, project_source
from .credential_kinds import Kind
from .definition import Definition, read_definition
from .errors import RunnerError
from .project_file import NAME as DESCRIPTION

#: Seconds after which a check is given up.
SECONDS = 120
#: The maximum number of bytes of output that are read.
_MAX_OUTPUT = 256 * 1024
#: The lowest priority: a check must not delay a deployment.
_NICE = 19


def main() -> int:
    """Run the command line and return the exit code."""
    parser = argparse.ArgumentParser(prog="fastdeploy-syntax-check")
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--service", type=Path, help="the service's folder")
    place.add_argument("--project", type=Path, help="the folder with project.json")
    place.add_argument("--content", type=Path, help="the folder with fastdeploy.yml")
    parser.add_argument("--name", default="", help="the name of the service")
    parser.add_argument("--commit", default="", help="the commit of the repository")
    parser.add_argument(
        "--data", type=Path, default=Path(), help="the folder of mirrors"
    )
    arguments = parser.parse_args()
    os.nice(_NICE)
    try:
        found = _check(_read(arguments), arguments.data)
    except RunnerError:
        # A sync reports it, or a launch: the environment may not allow this commit.
        found = {"code": None}
    sys.stdout.write(json.dumps(found))
    return 0


def _read(arguments: argparse.Namespace) -> Definition:
    if arguments.service is not None:
        return read_definition(arguments.service)
    if arguments.content is not None:
        folder = arguments.content.absolute()
        file = folder / DESCRIPTION
        return project_definition.read(folder, file, arguments.name)
    return project_source.define(
        project_source.read(arguments.project),
        arguments.data.absolute(),
        arguments.name,
        arguments.commit,
        "",
    )


def _check(definition: Definition, data: Path) -> dict[str, Any]:
    env = environment.build(os.environ, definition.environment)
    if definition.requirements is not None:
        from . import execution_environment  # noqa: PLC0415 - most need none

        place = execution_environment.place_of(definition.requirements, data.absolute())
        # The descriptor stays open on purpose: it holds the lock.
        if not place.complete or place.use() is None:
            return {"code": None}
        env = execution_environment.variables(place, env, definition.folder)
    defaults = {
        name: schema["default"]
        for name, schema in definition.properties.items()
        if isinstance(schema, dict) and "default" in schema
    }
    code, output = _run(definition, {**defaults, **definition.fixed_variables}, env)
    return {
        "code": code,
        "output": output,
        "unknown": sorted(set(definition.properties) - set(defaults)),
        "encrypted": bool(definition.sops_files),
        "vault": any(
            each.startswith(f"{Kind.VAULT}:") for each in definition.credentials
        ),
    }


def _run(
    definition: Definition, variables: Mapping[str, Any], env: Mapping[str, str]
) -> tuple[int | None, str]:
    """Return the exit code, None if the time or the output was too much; the output."""
    with tempfile.NamedTemporaryFile("w", prefix="fastdeploy-check-") as file:
        try:
            file.write(extra_vars.dumps(variables))
        except ValueError as error:
            raise RunnerError(f"A variable {error}.") from None
        file.flush()
        command = ["ansible-playbook", "--syntax-check", "-i", "localhost,",
                   "-e", f"@{file.name}", "--", str(definition.playbook)]  # fmt: skip
        try:
            process = subprocess.Popen(
                command, cwd=definition.folder,
                env={**env, "ANSIBLE_FORCE_COLOR": "False", "ANSIBLE_NOCOLOR": "True"},
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )  # fmt: skip
        except OSError:
            return None, ""
        with process:
            timer = threading.Timer(SECONDS, process.kill)
            timer.start()
            assert process.stdout is not None, "it is a pipe"
            output = process.stdout.read(_MAX_OUTPUT)
            if len(output) == _MAX_OUTPUT:
                process.kill()
            code = process.wait()
            timer.cancel()
    if code < 0:
        return None, ""
    return code, output.decode(errors="replace")


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(main())
