"""Credentials: what is a valid reference and value, and what an error says of it."""

import subprocess
from pathlib import Path

import pytest

from app.domain.credential import Home, check, secrets
from app.domain.credential_names import require_declarable, split
from app.domain.service import Service
from app.domain.service_changes import changed_keys
from app.errors import InvalidFields
from app.runner.credential_kinds import Kind
from testing.factories import make_service

PASSPHRASE = "correct horse"


def keygen(*arguments: object) -> str:
    done = subprocess.run(
        ["ssh-keygen", *map(str, arguments)], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plain key, one with a passphrase, and their certificates."""
    folder = tmp_path_factory.mktemp("keys")
    keygen("-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "plain")
    keygen("-q", "-t", "ecdsa", "-N", PASSPHRASE, "-f", folder / "locked")
    keygen("-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "", "-f", folder / "pem")
    for name in ("plain", "locked"):
        public = folder / f"{name}.pub"
        keygen("-q", "-s", folder / "plain", "-I", "ada", "-n", "deploy", public)
    return folder


@pytest.mark.parametrize(
    ("name", "passphrase"), [("plain", ""), ("locked", PASSPHRASE), ("pem", "")]
)
def test_a_private_key_has_the_fingerprint_that_ssh_keygen_prints(
    keys: Path, name: str, passphrase: str
) -> None:
    given = {"private_key": (keys / name).read_text(), "passphrase": passphrase}

    public = check(Kind.SSH, given).public

    assert public is not None
    assert public.fingerprint == keygen("-l", "-f", keys / name).split()[1]
    assert public.text.split() == (keys / f"{name}.pub").read_text().split()[:2]


@pytest.mark.parametrize("change", ["crlf", "no final line break", "blank lines"])
def test_a_private_key_from_a_form_is_stored_as_ssh_add_accepts_it(
    keys: Path, change: str
) -> None:
    text = (keys / "plain").read_text()
    given = {
        "crlf": text.replace("\n", "\r\n"),
        "no final line break": text.rstrip("\n"),
        "blank lines": f"\r\n \n{text}\n\n",
    }[change]

    assert text == check(Kind.SSH, {"private_key": given}).values["private_key"]


@pytest.mark.parametrize(
    ("name", "passphrase", "sentence"),
    [
        ("locked", "", "is encrypted: give its passphrase"),
        ("locked", "wrong", "its passphrase is wrong"),
        ("plain.pub", "", "is a public key"),
        ("plain-cert.pub", "", "is a public key"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_the_reason(
    keys: Path, name: str, passphrase: str, sentence: str
) -> None:
    given = {"private_key": (keys / name).read_text(), "passphrase": passphrase}

    with pytest.raises(InvalidFields, match=sentence):
        check(Kind.SSH, given)


def test_a_certificate_has_to_belong_to_the_key(keys: Path) -> None:
    given = {"private_key": (keys / "plain").read_text()}
    own, other = ((keys / f"{n}-cert.pub").read_text() for n in ("plain", "locked"))

    assert own == check(Kind.SSH, given | {"certificate": own}).values["certificate"]
    with pytest.raises(InvalidFields, match="certificate: belongs to another key"):
        check(Kind.SSH, given | {"certificate": other})
    with pytest.raises(InvalidFields, match="not a certificate"):
        check(Kind.SSH, given | {"certificate": (keys / "plain.pub").read_text()})


@pytest.mark.parametrize(
    ("kind", "given", "sentence"),
    [
        (Kind.BECOME, {"password": "hunter2\n"}, "password: must be one line"),
        (Kind.BECOME, {"password": "hunter2\0"}, "must not contain the character NUL"),
        (Kind.VAULT, {"password": " hunter2"}, "begins or ends with a blank"),
        (Kind.VAULT, {"password": "hunter2 "}, "ansible-vault rekey"),
        (Kind.BECOME, {}, "password: is required"),
        (Kind.BECOME, {"password": "hunter2", "user": "ada"}, "has no such field"),
        (Kind.PASSWORD, {"password": "hunter2", "user": "-oX"}, "name of a user"),
        (Kind.SSH, {"private_key": "hunter2"}, "is not a private key"),
        (Kind.TOKEN, {"value": " \n"}, "value: is empty"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_without_being_repeated(
    kind: Kind, given: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InvalidFields, match=sentence) as caught:
        check(kind, given)
    assert "hunter2" not in str(caught.value)


def test_a_password_keeps_the_blanks_that_sudo_would_need() -> None:
    assert {"password": " a b "} == check(Kind.BECOME, {"password": " a b "}).values


@pytest.mark.parametrize("home", [Home.PLACED, Home.ASK, Home.COMMAND])
def test_a_value_that_is_kept_elsewhere_is_not_stored(home: Home) -> None:
    with pytest.raises(InvalidFields, match="password: can't be given"):
        check(Kind.PASSWORD, {"password": "hunter2"}, home)


@pytest.mark.parametrize(
    ("references", "sentence"),
    [
        (("ssh",), "of the form kind:name"),
        (("gpg:prod",), "the kinds are ssh, "),
        (("ssh:Prod",), "lower case letters"),
        (("ssh:a", "ssh:a"), "must name ssh:a once"),
        (("become:a", "become:b"), "one credential"),
        (("password:a", "password:b"), "one credential"),
        (("gpg:infra",), "the kinds are ssh, "),
        (("git-ssh:infra",), "which git uses for the repository"),
        (("token:ld-preload",), "LD_PRELOAD changes"),
        (("token:pythonpath",), "PYTHONPATH changes"),
        (("token:path",), "PATH changes"),
        (("token:ansible-config",), "ANSIBLE_CONFIG changes"),
        (("token:fastdeploy-run",), "FASTDEPLOY_RUN (changes|is set)"),
        (("token:1password",), "begin with no digit"),
        (("token:a-b", "token:a.b"), "both are A_B"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_refused(
    references: tuple[str, ...], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        require_declarable(references)


def test_several_keys_and_vault_passwords_can_be_declared() -> None:
    declared = ("ssh:a", "ssh:b", "vault:default", "vault:prod", "token:github-token")

    assert declared == require_declarable(declared)
    assert (Kind.TOKEN, "github-token") == split("token:github-token")


def test_a_service_that_needs_another_credential_runs_otherwise() -> None:
    before: Service = make_service(credentials=["ssh:a"])

    assert ("credentials",) == changed_keys(before, make_service(credentials=[]))


def test_what_is_masked_of_a_key_are_its_text_and_its_lines() -> None:
    key = "-----BEGIN KEY-----\nfirst\nabc\nsecond\n-----END KEY-----\n"
    values = {
        "token": "variable",
        "ssh:prod": {"private_key": key, "passphrase": "pass", "user": "ada"},
    }

    assert ["variable", key, "first", "second", "pass"] == list(secrets(values))
