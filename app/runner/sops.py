"""Decrypt a service's variables with SOPS, as the user that runs the service."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import environment
from .definition import Definition
from .errors import RunnerError

#: Seconds for one file: sops may fetch its key over the network.
_PATIENCE = 30
#: The exit code of sops if it has no key for a file.
_NO_KEY = 128
_KEY_FILE = "SOPS_AGE_KEY_FILE"


def read_variables(definition: Definition, caller: Mapping[str, str]) -> dict[str, Any]:
    """Return the variables in a service's encrypted files.

    Raises:
        RunnerError: A file can't be decrypted, or a variable is defined in two files or
            is also a launch variable: a launch must not replace a secret. The message
            doesn't repeat the output of sops, which may contain secrets.
    """
    env = environment.build(caller, definition.environment)
    taken = dict.fromkeys(definition.properties, "a launch variable")
    variables: dict[str, Any] = {}
    for file in definition.sops_files:
        found = _decrypt(file, env)
        if twice := sorted(found.keys() & taken.keys()):
            raise RunnerError(
                f"{twice[0]!r} in {file} is also {taken[twice[0]]}: rename one of them."
            )
        taken |= dict.fromkeys(found, f"in {file}")
        variables |= found
    return variables


def _decrypt(file: Path, env: Mapping[str, str]) -> dict[str, Any]:
    sops = shutil.which("sops", path=env["PATH"])
    if not sops:
        raise RunnerError(f"There is no sops in PATH to decrypt {file}: install it.")
    try:
        done = subprocess.run(
            [sops, "--decrypt", "--output-type", "json", str(file)],
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RunnerError(
            f"sops took more than {_PATIENCE} seconds to decrypt {file}: check that "
            "where its key comes from can be reached."
        ) from None
    except OSError as error:
        raise RunnerError(
            f"Can't run {sops} ({error.strerror}): install it again."
        ) from None
    if done.returncode == _NO_KEY:
        raise RunnerError(_no_key(file, env.get(_KEY_FILE)))
    if done.returncode:
        raise RunnerError(
            f"sops can't decrypt {file} (exit code {done.returncode}): it is damaged, "
            "or was changed without sops; encrypt it again."
        )
    return _variables(done.stdout, file)


def _no_key(file: Path, key: str | None) -> str:
    if not key:
        return (
            f"This user has no key for {file}: set {_KEY_FILE}, or register the "
            "service with fd_sops_age_key_contents."
        )
    try:
        with Path(key).open("rb"):
            pass
    except OSError as error:
        return (
            f"Can't read the key {key} for {file} ({error.strerror}): put it there for "
            f"this user, or correct {_KEY_FILE}."
        )
    return (
        f"The key in {key} does not open {file}: encrypt the file for this key too, "
        "with `sops updatekeys`."
    )


def _variables(content: bytes, file: Path) -> dict[str, Any]:
    try:
        variables = json.loads(content)
    except (ValueError, RecursionError):
        variables = None
    if not isinstance(variables, dict):
        raise RunnerError(
            f"{file} must hold variables by name: correct it with `sops`."
        )
    return variables
