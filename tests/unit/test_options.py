"""The options of ansible-playbook: their rules, arguments and defaults."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.cli.launch_input import options_from
from app.domain.config_json import parse
from app.domain.options import Options, as_texts, choose, from_texts, is_partial
from app.errors import Invalid, InvalidFields
from app.runner import options as rules
from app.runner.definition import read_definition
from app.runner.errors import RunnerError
from app.runner.run_config import read_launch

ALL = Options(
    check=True, diff=True, limit="web1:&prod", tags=["a", "b"], skip_tags=["c"],
    start_at_task="Copy the site", forks=7, verbosity=3,
)  # fmt: skip


def test_each_option_is_one_argument() -> None:
    assert ALL.arguments == [
        "--check", "--diff", "--limit=web1:&prod", "--tags=a,b", "--skip-tags=c",
        "--start-at-task=Copy the site", "--forks=7", "-vvv",
    ]  # fmt: skip
    assert Options().arguments == []


def test_a_value_that_looks_like_an_option_stays_a_value() -> None:
    assert Options(limit="--become").arguments == ["--limit=--become"]


def test_the_rules_and_the_model_have_the_same_options() -> None:
    assert set(rules.NAMES) == set(Options.model_fields)
    for name, field in Options.model_fields.items():
        assert rules.find_problem(name, field.default) == "", name


@pytest.mark.parametrize(
    "limit",
    ["web1", "web*", "all:!db", "web[0:2]", "~web[0-9]+", "a,b", "web1:&prod",
     "fe80::1", "web-1.example.org", "a, b", "all"],
)  # fmt: skip
def test_a_host_pattern_is_accepted(limit: str) -> None:
    assert Options(limit=limit).limit == limit


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("limit", "@hosts.txt", "must not name a file"),
        ("limit", "web:@hosts.txt", "must not name a file"),
        ("limit", "web, @hosts.txt", "must not name a file"),
        ("limit", "web:!@hosts.txt", "must not name a file"),
        ("limit", " ", "must not be blank"),
        ("limit", ",", "must name a host or a group"),
        ("limit", "~", "must name a host or a group"),
        ("limit", "web[", "must close each bracket"),
        ("limit", "web:!", "after each ! and &"),
        ("limit", "web & prod", "after each ! and &"),
        ("limit", "a\nb", "printable characters"),
        ("limit", "a" * 2001, "at most 2000 characters"),
        ("tags", ["a,b"], "without commas"),
        ("tags", [""], "without commas"),
        ("tags", ["a"] * 101, "at most 100 tags"),
        ("start_at_task", "\t", "must not be blank"),
        ("forks", 0, "whole number from 1 to 1000"),
        ("verbosity", 7, "whole number from 1 to 6"),
        ("verbosity", -1, "whole number from 1 to 6"),
    ],
)
def test_an_invalid_value_is_refused(name: str, value: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Options.model_validate({name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [("check", "yes"), ("check", 1), ("forks", True), ("forks", "5"), ("tags", "a"),
     ("limit", None), ("become", True), ("verbosity", None), ("tags", [1])],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(name: str, value: object) -> None:
    assert rules.find_problem(name, value)
    with pytest.raises(ValueError, match=name):
        Options.model_validate({name: value})


def test_texts_of_a_form_become_options_and_back() -> None:
    texts = as_texts(ALL)

    assert texts["tags"] == "a,b"
    assert from_texts(texts) == ALL
    assert from_texts(as_texts(Options())) == Options()
    assert from_texts({"tags": " a, b ,"}).tags == ["a", "b"]


def test_an_option_of_the_command_line_is_never_dropped() -> None:
    assert options_from(check=None, limit=None) == Options()
    assert options_from(limit="").model_fields_set == {"limit"}
    with pytest.raises(InvalidFields, match="forks: must be a whole number from 1"):
        options_from(forks=0)


def test_an_invalid_text_is_reported_with_its_option() -> None:
    with pytest.raises(InvalidFields) as refused:
        from_texts({"forks": "many", "limit": "@file", "tags": "ok", "colour": "red"})

    assert sorted(refused.value.problems) == ["colour", "forks", "limit"]


def test_a_launch_changes_only_what_the_service_allows() -> None:
    defaults = Options(diff=True, tags=["site"])
    asked = Options(limit="web1", tags=[])

    assert choose(("limit", "tags"), defaults, asked, "config.json") == Options(
        diff=True, limit="web1"
    )
    # The same value as the default changes nothing.
    assert choose((), defaults, Options(diff=True), "config.json") == defaults
    with pytest.raises(Invalid, match=r"does not allow the option limit.*allows tags"):
        choose(("tags",), defaults, asked, "fastdeploy.yml")
    with pytest.raises(Invalid, match=r"diff.*in its fastdeploy\.yml"):
        choose(("tags",), defaults, Options(diff=False), "fastdeploy.yml")


@pytest.mark.parametrize(
    ("options", "partial"),
    [
        (Options(), False),
        (Options(limit="staging", diff=True, forks=2, verbosity=1), False),
        (Options(check=True, limit="staging"), True),
        (Options(limit="web1"), True),
        (Options(limit="staging", tags=["a"]), True),
        (Options(limit="staging", skip_tags=["a"]), True),
        (Options(limit="staging", start_at_task="x"), True),
    ],
)
def test_a_run_on_other_hosts_or_tasks_than_usual_is_partial(
    options: Options, *, partial: bool
) -> None:
    defaults = Options(limit="staging") if options.limit else Options()

    assert is_partial(options, defaults) is partial


def test_only_a_playbook_has_options() -> None:
    for key, value in (("options", ["check"]), ("option_defaults", {"diff": True})):
        content = {"name": "x", "deploy_script": "deploy.py", key: value}
        with pytest.raises(Invalid, match=f'"{key}" goes with "playbook"'):
            parse(json.dumps(content).encode(), "x")


def test_config_json_says_which_option_is_wrong() -> None:
    content = {"name": "x", "playbook": "p.yml", "option_defaults": {"limit": "@f"}}

    with pytest.raises(Invalid, match=r"option_defaults\.limit: must not name a file"):
        parse(json.dumps(content).encode(), "x")


def launch_options(folder: Path, asked: Any, **config: object) -> object:
    """Return the options that the runner takes from a run's config file."""
    (folder / "config.json").write_text(
        json.dumps({"name": "demo", "playbook": "p.yml", **config})
    )
    (folder / "p.yml").touch()
    launch = folder / "launch.json"
    launch.write_text(
        json.dumps({"deployment_id": 1, "service_name": "demo", "options": asked})
    )
    return read_launch(launch, read_definition(folder)).options


def test_the_runner_takes_the_options_that_its_own_config_json_allows(
    tmp_path: Path,
) -> None:
    defaults = {"limit": "staging", "tags": ["site"]}

    def read(options: Any) -> object:
        return launch_options(
            tmp_path, options, options=["tags", "check"], option_defaults=defaults
        )

    # A default that a launch may not change applies, whatever the config file says.
    assert read({}) == {"limit": "staging"}
    assert read({"limit": "staging", "tags": ["a"], "check": True}) == {
        "limit": "staging", "tags": ["a"], "check": True,
    }  # fmt: skip
    for refused in ({"limit": "all"}, {"limit": ""}, {"forks": 5}, {"become": True},
                    {"tags": "a"}, {"tags": ["a,b"]}, ["check"]):  # fmt: skip
        with pytest.raises(RunnerError):
            read(refused)


def test_the_runner_refuses_a_limit_from_a_file(tmp_path: Path) -> None:
    with pytest.raises(RunnerError, match="must not name a file"):
        launch_options(tmp_path, {"limit": "@/etc/hostname"}, options=["limit"])


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("options", "check", "must be a list of check"),
        ("options", ["become"], "must be a list of check"),
        ("option_defaults", [], "must be an object"),
        ("option_defaults", {"forks": 0}, "forks must be a whole number"),
        ("option_defaults", {"become": True}, "become is not one of"),
    ],
)
def test_the_runner_says_what_is_wrong_in_config_json(
    tmp_path: Path, key: str, value: object, said: str
) -> None:
    with pytest.raises(RunnerError, match=said):
        launch_options(tmp_path, {}, **{key: value})
