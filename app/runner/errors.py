"""Why a playbook is not run."""


class RunnerError(Exception):
    """The run can't begin; the text is one sentence that says what to do."""
