"""The key `accelerate` of a service and of an environment."""

from typing import Annotated, Literal

from pydantic import Field

AccelerateKey = Annotated[
    Literal["mitogen", "none"],
    Field(
        description="With mitogen, hosts are reached by mitogen instead of Ansible's "
        "own connections. A run in which that doesn't work does without it."
    ),
]
