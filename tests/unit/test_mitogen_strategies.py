"""When a run can't use mitogen."""

from pathlib import Path

import pytest

from app.runner import mitogen_strategies


def test_a_private_folder_without_room_for_a_socket_is_a_reason(tmp_path: Path) -> None:
    folder = "/" + 91 * "x"

    with pytest.raises(mitogen_strategies.Unusable, match="is too long for the path"):
        mitogen_strategies.activate(str(tmp_path / "mitogen-1.0" / "site"), folder)
