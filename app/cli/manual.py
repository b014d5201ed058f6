"""What the manual of a command consists of: examples and exit codes."""

from typing import NamedTuple

SUCCEEDED = (0, "The command succeeded.")
FAILED = (1, "The command failed; the message says why.")
INVALID = (2, "An argument or an option is invalid.")
USUAL_CODES = (SUCCEEDED, FAILED, INVALID)
#: The exit codes of a command with `--follow`.
FOLLOW_CODES = (
    (0, "The command succeeded. With --follow: the deployment was successful."),
    (1, "The command failed. With --follow: the deployment wasn't successful."),
    INVALID,
    (130, "Ctrl-C ended --follow; the deployment continues."),
)
#: The exit codes of a command that checks something.
CHECK_CODES = (
    (0, "Nothing is wrong; warnings don't count."),
    (1, "Something is wrong, or the command failed; the message says what."),
    INVALID,
)
#: The exit codes of a process of FastDeploy.
PROCESS_CODES = (
    (0, "A signal stopped it."),
    (1, "It couldn't start; the message says why."),
    INVALID,
)


class Page(NamedTuple):
    """The manual of one command; `help` is its first sentence, if it is in a group."""

    examples: tuple[str, ...]
    help: str = ""
    codes: tuple[tuple[int, str], ...] = USUAL_CODES

    @property
    def epilog(self) -> str:
        """The text below the options of `--help`."""
        examples = ("Examples:", *(f"  {example}" for example in self.examples), "")
        codes = (f"  {code:<4} {meaning}" for code, meaning in self.codes)
        return "\n".join((*(examples if self.examples else ()), "Exit codes:", *codes))
