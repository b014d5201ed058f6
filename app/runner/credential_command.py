"""Run the command that prints a credential, as the user of the run."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress

from .errors import RunnerError
from .masking import Masker

#: Seconds for one command: it may fetch the credential over the network.
PATIENCE = 30.0
_MAX_OUTPUT = 1 << 18
_MAX_ERROR = 500


def run(reference: str, command: object, env: Mapping[str, str], folder: str) -> str:
    """Return what a command prints, without one newline at its end.

    Args:
        reference: The credential, for errors.
        command: A program and its arguments; no shell reads them.
        env: The environment of the run.
        folder: The folder to run it in.

    Raises:
        RunnerError: It isn't a list of texts, fails, exceeds its timeout or prints no
            text. The message has what it wrote to stderr, and never its output.
    """
    arguments = _arguments(reference, command)
    output, errors, code = _run(reference, arguments, env, folder)
    if code:
        # A program may repeat the credential in its error.
        shown = Masker([output.decode(errors="replace")]).text(errors)
        text = " ".join(shown.decode(errors="replace").split())
        printable = "".join(c if c.isprintable() else "?" for c in text)[:_MAX_ERROR]
        reason = f": {printable}" if printable else ""
        raise RunnerError(
            f"The command of {reference}, {arguments[0]}, failed with exit code "
            f"{code}{reason}"
        )
    try:
        text = output.decode()
    except UnicodeDecodeError:
        text = ""
    text = text.removesuffix("\n")
    if not text or len(output) > _MAX_OUTPUT:
        raise RunnerError(
            f"The command of {reference}, {arguments[0]}, must print the credential as "
            f"text of 1 to {_MAX_OUTPUT} bytes: run it as this user to check."
        )
    return text


def _arguments(reference: str, command: object) -> list[str]:
    if (
        not isinstance(command, list)
        or not command
        or not all(isinstance(word, str) and "\0" not in word for word in command)
    ):
        raise RunnerError(
            f'"command" of {reference} must be a list: a program and its arguments.'
        )
    return command


def _run(
    reference: str, arguments: Sequence[str], env: Mapping[str, str], folder: str
) -> tuple[bytes, bytes, int]:
    try:
        process = subprocess.Popen(
            arguments, env=env, cwd=folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise RunnerError(
            f"Can't run {arguments[0]}, the command of {reference} "
            f"({error.strerror}): install it for this user, or correct its path."
        ) from None
    try:
        output, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise RunnerError(
            f"The command of {reference}, {arguments[0]}, took more than "
            f"{PATIENCE:.0f} seconds: check that it asks for nothing, and that what "
            "it needs can be reached."
        ) from None
    finally:
        if process.returncode is None:
            # It is the leader of its group, which is not reused before it is reaped.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.kill()
            process.wait()
    return output, errors, process.returncode
