"""The files that a service names."""

from pathlib import Path

import pytest

from app.runner.errors import FileProblem
from app.runner.service_files import locate


@pytest.mark.parametrize("name", ["loop.yml", "far.yml"])
def test_a_link_to_itself_is_named_on_each_python(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop.yml").symlink_to("loop.yml")
    (tmp_path / "far.yml").symlink_to("loop.yml")

    with pytest.raises(FileProblem, match=f'"{name}" of "playbook" is a link to itse'):
        locate(tmp_path, name, "playbook")
