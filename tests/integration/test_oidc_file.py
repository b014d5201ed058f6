"""The file of OpenID providers, and the roles of their groups."""

from pathlib import Path

import pytest

from app import oidc_file
from app.domain.access import Role
from app.domain.oidc import Provider
from app.errors import BadSetting


def test_the_highest_role_of_the_groups_counts() -> None:
    section = {
        "name": "x",
        "issuer": "https://x",
        "client_id": "x",
        "client_secret": "x",
        "roles": {"a": "admin", "b": "viewer"},
    }
    provider = Provider.model_validate(section)
    open_to_all = Provider.model_validate(section | {"default_role": "deployer"})

    assert Role.ADMIN is provider.role_of(frozenset({"a", "b", "c"}))
    assert provider.role_of(frozenset({"c"})) is None
    assert Role.DEPLOYER is open_to_all.role_of(frozenset({"b"}))


@pytest.mark.parametrize(
    ("content", "mode", "problem"),
    [
        ("[providers.x]\nissuer = 'http://id.example.org'", 0o600, "issuer: "),
        ("[providers.X]\n", 0o600, "providers"),
        ("[providers.x]\nsecret = 'canary'", 0o600, "providers.x.name"),
        ("[providers", 0o600, "oidc.toml"),
        ("[providers]", 0o644, "chmod o="),
    ],
)
def test_a_file_that_is_not_valid_says_why_without_its_values(
    tmp_path: Path, content: str, mode: int, problem: str
) -> None:
    file = tmp_path / "oidc.toml"
    file.write_text(content)
    file.chmod(mode)

    with pytest.raises(BadSetting) as caught:
        oidc_file.read(file)

    assert problem in str(caught.value)
    assert "canary" not in str(caught.value)
