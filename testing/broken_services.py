"""Break the folder of a service, in each way that a sync has to notice."""

import os
from pathlib import Path

from app.config_files import MAX_CONFIG


def break_json(folder: Path) -> None:
    """Make config.json something that isn't JSON."""
    (folder / "config.json").write_text("{")


def _break_key(folder: Path) -> None:
    (folder / "config.json").write_text('{"nul\\u0000": 1}')


def _break_depth(folder: Path) -> None:
    deep = '{"not":' * 900 + "{}" + "}" * 900
    (folder / "config.json").write_text(
        f'{{"name": "bad", "deploy_script": "deploy.py", "variables": {deep}}}'
    )


def _break_size(folder: Path) -> None:
    (folder / "config.json").write_text(" " * (MAX_CONFIG + 1))


def _break_presence(folder: Path) -> None:
    (folder / "config.json").unlink()


def _break_link(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("config.json")


def _break_kind(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()


def _break_pipe(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


def _break_script(folder: Path) -> None:
    (folder / "deploy.py").unlink()


def _break_mode(folder: Path) -> None:
    (folder / "deploy.py").chmod(0o644)


def _break_playbook(folder: Path) -> None:
    _make_playbook(folder)
    (folder.parent / "_shared.yml").write_text("[]")
    (folder / "site.yml").unlink()
    (folder / "site.yml").symlink_to("../_shared.yml")


def break_prompt(folder: Path) -> None:
    """Let the playbook ask for a variable that Ansible hashes."""
    _make_playbook(folder)
    (folder / "site.yml").write_text(
        "- hosts: all\n  vars_prompt: [{name: a, encrypt: sha512_crypt}]\n"
    )


def _break_collection(folder: Path) -> None:
    _make_playbook(folder)
    (folder / "requirements.yml").write_text("collections: [no_such.collection]")


def _make_playbook(folder: Path) -> None:
    (folder / "config.json").write_text('{"name": "bad", "playbook": "site.yml"}')
    (folder / "site.yml").write_text("[]")


BREAKS = [
    (break_json, "is not JSON"),
    (_break_key, "is not a known key"),
    (_break_depth, "nested too deeply"),
    (_break_size, "is larger than"),
    (_break_presence, "No such file"),
    (_break_link, "symbolic links"),
    (_break_kind, "can't be read"),
    (_break_pipe, "can't be read"),
    (_break_script, "deploy.py is not in the service's folder"),
    (_break_mode, "deploy.py can't be executed; allow it by `chmod +x"),
    (_break_playbook, '"site.yml" of "playbook" lies outside'),
    (break_prompt, 'site.yml:2 asks for "a"'),
    (_break_collection, "asks for no_such.collection, which the run would not find"),
]
