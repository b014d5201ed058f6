"""The body of the API for what a launch takes."""

from typing import Any

from app.domain.options import OptionName
from app.web.schemas import Body


class LaunchFormBody(Body):
    """What a launch of a service takes."""

    variables: dict[str, Any]
    """The JSON Schema of its launch variables."""
    options: list[OptionName]
    """The options of ansible-playbook that may be set."""
    credentials: list[str]
    """The credentials that are asked at each launch, such as `become:prod`."""
    confirm: bool
    """Whether the launch has to be confirmed."""
