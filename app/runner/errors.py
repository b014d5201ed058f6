"""The error of the runner."""


class RunnerError(Exception):
    """The run is refused; the message is one sentence that says what to do."""
