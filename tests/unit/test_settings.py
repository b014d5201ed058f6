"""Settings: read from the environment, refused by name, never repeated."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.errors import BadSetting
from app.settings import Settings, read_settings

CANARY = "hunter2-canary"


def test_without_any_variable_there_are_defaults() -> None:
    settings = read_settings()

    assert "postgresql:///fastdeploy" == settings.database
    assert ("127.0.0.1", 8000) == (settings.host, settings.port)
    assert "" == settings.run_as
    assert set() == settings.model_fields_set


def test_variables_are_read_and_overrides_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDEPLOY_PORT", "1234")
    monkeypatch.setenv("FASTDEPLOY_NODE", "one")
    monkeypatch.setenv("FASTDEPLOY_UNKNOWN", "ignored")

    settings = read_settings(node="two")

    assert (1234, "two") == (settings.port, settings.node)


@pytest.mark.parametrize("name", [".", "..", "dc1/../web1", "./web1"])
def test_a_node_has_a_name_that_an_address_can_have(name: str) -> None:
    with pytest.raises(BadSetting, match="FASTDEPLOY_NODE"):
        read_settings(node=name)

    assert "dc1/web1" == read_settings(node="dc1/web1").node


def test_a_variable_that_is_empty_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"FASTDEPLOY_{name.upper()}", "")

    settings = read_settings()

    assert set() == settings.model_fields_set
    assert settings.runners is None


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("DATABASE_URL", f"mysql://u:{CANARY}@h/d", "must begin with postgresql://"),
        ("DATABASE_URL", f"postgresql://u:{CANARY}@h:port/d", "must be"),
        ("DATABASE_URL", f"postgresql://u:{CANARY}@[h/d", "must be"),
        ("DATABASE_URL", f"postgresql://u:{CANARY}@h/d?nonsense=1", "must be"),
        ("SECRET_KEY", CANARY, "at least 32 characters"),
        ("PORT", CANARY, "whole number"),
        ("PORT", "65536", "at most 65535"),
        ("CONCURRENCY", "0", "at least 1"),
        ("KEEP_DAYS", "99999999999", "at most 36500"),
        ("KEEP_AUDIT_DAYS", "99999999999", "at most 36500"),
        ("KEEP_MEBIBYTES", "99999999999999", "at most 1000000000"),
        ("URL", f"https://u:{CANARY}@h", "must be http://HOST or https://HOST"),
        ("URL", CANARY, "must be http://HOST or https://HOST"),
        ("NODE", "a" * 254, "1 to 253 printable characters"),
        ("NODE", "a\nb", "1 to 253 printable characters"),
        ("NODE", " a", "no space at either end"),
        ("NODE", "a\udcff", "1 to 253 printable characters"),
        ("SECURE_COOKIES", CANARY, "true or false"),
        ("SESSION_HOURS", "-1", "at least 1"),
        ("LOG_FORMAT", CANARY, '"console" or "json"'),
        ("EVENTS", CANARY, '"fastdeploy" or "runner"'),
        ("RUN_AS", f"root -s {CANARY}", "name of a Unix account"),
        ("RUN_AS", "deploy\n", "name of a Unix account"),
        ("RUN_GROUP", "-g", "name of a Unix account"),
    ],
)
def test_a_bad_value_names_its_variable_and_is_not_repeated(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, form: str
) -> None:
    monkeypatch.setenv(f"FASTDEPLOY_{name}", value)

    with pytest.raises(BadSetting) as caught:
        read_settings()

    message = str(caught.value)
    assert message.startswith(f"FASTDEPLOY_{name}: ")
    assert form in message
    assert CANARY not in message
    # Nor in a traceback, should anybody print one.
    assert caught.value.__suppress_context__


def test_all_bad_values_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDEPLOY_PORT", "x")
    monkeypatch.setenv("FASTDEPLOY_CONCURRENCY", "y")

    with pytest.raises(BadSetting) as caught:
        read_settings()

    assert ["FASTDEPLOY_PORT", "FASTDEPLOY_CONCURRENCY"] == [
        line.partition(":")[0] for line in str(caught.value).splitlines()
    ]


@pytest.mark.parametrize(
    "scheme", ["postgres", "postgresql", "postgres+psycopg", "postgresql+psycopg"]
)
def test_the_database_is_given_as_libpq_reads_it(scheme: str) -> None:
    settings = read_settings(database_url=f"{scheme}://u:p%40@h:1/d?sslmode=require")

    assert "postgresql://u:p%40@h:1/d?sslmode=require" == settings.database


def test_secrets_are_not_in_the_repr() -> None:
    settings = read_settings(
        database_url=f"postgresql://u:{CANARY}@h/d", secret_key=CANARY * 3
    )

    assert CANARY not in repr(settings)
    assert CANARY not in str(settings.model_dump())


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        read_settings().port = 1


def test_runs_are_in_the_var_folder() -> None:
    assert Path("/srv/var/runs") == read_settings(var=Path("/srv/var")).runs


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"HOST": "::", "PORT": "81"}, "http://localhost:81"),
        ({"HOST": "::1"}, "http://[::1]:8000"),
        ({"SECURE_COOKIES": "true"}, ""),
        ({"SECURE_COOKIES": "true", "URL": "https://d.example/"}, "https://d.example"),
    ],
    ids=["default", "any-address", "ipv6", "proxy", "configured"],
)
def test_links_begin_with_the_address_that_users_open(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], url: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"FASTDEPLOY_{name}", value)

    assert url == read_settings().base_url
