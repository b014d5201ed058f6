"""Parse a config.json that a test varies."""

import json
from typing import Any

from app.domain.config_json import parse
from app.domain.service import Service
from testing.factories import make_config


def parse_config(**overrides: Any) -> Service:
    """Return the service of a config.json; `...` leaves out a key."""
    content = {k: v for k, v in make_config(**overrides).items() if v is not ...}
    return parse(json.dumps(content).encode(), "hello")
