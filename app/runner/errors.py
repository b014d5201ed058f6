"""The error of the runner."""


class RunnerError(Exception):
    """The run is refused; the message is one sentence that says what to do."""


class FileProblem(RunnerError):
    """A file that a definition names is missing, or outside its folder."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        #: The key that names the file.
        self.key = key
