"""Why a playbook is not run."""


class Refused(Exception):
    """The run can't begin; the text is one sentence that says what to do."""
