"""Secret launch variables are encrypted with a key that isn't in the database."""

import threading
from pathlib import Path

import pytest

from app.encryption import SecretBox, read_keys
from app.errors import BadSetting

KEY = "k" * 32


def key_for(secret_key: str, var: Path) -> str:
    return read_keys(secret_key, (), var).secret_keys[0]


def test_what_was_encrypted_is_decrypted_with_the_same_key() -> None:
    values = {"token": "hünter2", "deep": {"a": [1, None, True]}}

    sealed = SecretBox(KEY).seal(values)

    assert sealed is not None
    assert b"nter2" not in sealed
    assert values == SecretBox(KEY).open(sealed)


def test_without_secrets_nothing_is_encrypted() -> None:
    assert SecretBox(KEY).seal({}) is None
    assert {} == SecretBox(KEY).open(None)


def test_equal_values_have_different_ciphertexts() -> None:
    secret_box = SecretBox(KEY)

    assert secret_box.seal({"a": 1}) != secret_box.seal({"a": 1})


@pytest.mark.parametrize("change", ["other-key", "changed", "cut"])
def test_what_cannot_be_opened_is_said_with_the_settings_name(change: str) -> None:
    sealed = SecretBox(KEY).seal({"token": "hunter2"})
    assert sealed is not None
    key = KEY
    match change:
        case "other-key":
            key = "x" * 32
        case "changed":
            other = b"B" if sealed[40:41] == b"A" else b"A"
            sealed = sealed[:40] + other + sealed[41:]
        case "cut":
            sealed = sealed[:20]

    with pytest.raises(BadSetting, match="FASTDEPLOY_SECRET_KEY") as caught:
        SecretBox(key).open(sealed)
    assert key not in str(caught.value)


def test_the_key_of_the_settings_comes_first(tmp_path: Path) -> None:
    assert KEY == key_for(KEY, tmp_path / "var")
    assert [] == list(tmp_path.iterdir())


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    key = key_for("", tmp_path / "var")

    assert len(key) >= 32
    assert key == key_for("", tmp_path / "var")
    assert key != key_for("", tmp_path / "other")
    (path,) = (tmp_path / "var").iterdir()
    assert 0o600 == path.stat().st_mode & 0o777


def test_processes_that_make_a_key_at_once_agree(tmp_path: Path) -> None:
    for attempt in range(50):
        var = tmp_path / str(attempt)
        begin = threading.Barrier(4)
        found: list[str] = []

        def make(var: Path = var, begin: threading.Barrier = begin,
                 found: list[str] = found) -> None:  # fmt: skip
            begin.wait()
            found.append(key_for("", var))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert 4 == len(found)
        assert 1 == len(set(found))
        assert ["secret-key"] == [path.name for path in var.iterdir()]


def test_a_key_that_is_cut_short_is_said(tmp_path: Path) -> None:
    (tmp_path / "secret-key").write_text("short")

    with pytest.raises(BadSetting, match="secret-key is cut short"):
        key_for("", tmp_path)
