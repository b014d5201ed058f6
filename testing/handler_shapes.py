"""Plays that notify handlers, with what they owe at their end.

Each play runs on two hosts of its own, `<name>1` and `<name>2`. `FAIL` stands for a
task that fails on the first. So the playbook continues with the next play.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FAIL = """
    - name: Fail
      act: {failed: true}
      when: inventory_hostname is search('1$')
"""
_HEAD = """
- name: {name}
  hosts: {name}
  gather_facts: false
  vars: {{service: nginx}}
  handlers: [{{ansible.builtin.import_tasks: handlers.yml}}]
"""


@dataclass(frozen=True)
class Shape:
    """A play: its keys and tasks, and the handlers that each host is owed."""

    tasks: str
    first: frozenset[str] = frozenset()
    second: frozenset[str] = frozenset()
    keys: str = ""


def _shape(
    tasks: str, *first: str, second: tuple[str, ...] = (), keys: str = ""
) -> Shape:
    return Shape(tasks, frozenset(first), frozenset(second), keys)


def _change(notify: str, more: str = "") -> str:
    return f"    - {{name: Change, act: , notify: {notify}{more}}}\n"


_FLUSH = "    - ansible.builtin.meta: flush_handlers\n"
SHAPES: Mapping[str, Shape] = {
    "plain": _shape(_change("one") + "FAIL", "one"),
    "green": _shape(_change("one")),
    "unchanged": _shape("    - {act: {changed: false}, notify: one}\nFAIL"),
    "topic": _shape(_change("topic") + "FAIL", "two", "three"),
    "several_names": _shape(_change("[one, last]") + "FAIL", "one", "last"),
    "templated_name": _shape(_change("reload nginx") + "FAIL", "reload nginx"),
    "templated_notify": _shape(
        _change("'reload {{ service }}'") + "FAIL", "reload nginx"
    ),
    "duplicate": _shape(_change("doubled") + "FAIL", "doubled"),
    "loop": _shape(
        _change("'{{ item }}'", ", loop: [one, last]") + "FAIL", "one", "last"
    ),
    "loop_one_changed": _shape(
        "    - {act: {changed: \"{{ item == 'one' }}\"}, notify: one,"
        " loop: [zero, one]}\nFAIL",
        "one",
    ),
    "loop_fails": _shape(
        "    - {act: {failed: \"{{ item == 'last' and inventory_hostname is"
        " search('1$') }}\"}, notify: 'reload {{ service }}', loop: [one, last]}\n",
        "reload nginx",
    ),
    "included": _shape("    - include_tasks: changing.yml\nFAIL", "one"),
    "imported": _shape("    - import_tasks: changing.yml\nFAIL", "one"),
    "role": _shape("    - import_role: {name: web}\nFAIL", "web : Restart"),
    "included_role": _shape("    - include_role: {name: web}\nFAIL", "web : Restart"),
    "role_by_name": _shape(
        "    - include_role: {name: web}\n"
        + _FLUSH
        + _change("'web : Restart'")
        + "FAIL",
        "web : Restart",
    ),
    "block_notify": _shape(
        "    - notify: one\n      block:\n        - {name: Change, act: }\nFAIL", "one"
    ),
    "rescued": _shape(
        "    - block:\n        - {name: Change, act: , notify: one}\n"
        "        - {act: {failed: true}}\n"
        "      rescue:\n        - {act: , notify: last}\n"
        "      always:\n        - {act: , notify: two}\n"
    ),
    "rescue_fails": _shape(
        "    - block:\n        - {name: Change, act: , notify: one}\n"
        "        - {act: {failed: \"{{ inventory_hostname is search('1$') }}\"}}\n"
        "      rescue:\n        - {act: {failed: true}}\n"
        "      always:\n        - {act: , notify: two}\n",
        "one",
        "two",
    ),
    "flushed": _shape(_change("one") + _FLUSH + _change("last") + "FAIL", "last"),
    "flushed_again": _shape(_change("one") + _FLUSH + _change("one") + "FAIL", "one"),
    "end_host": _shape(
        _change("one") + "    - {meta: end_host, when: inventory_hostname is"
        " search('1$')}\n",
        "one",
    ),
    "end_play": _shape(
        _change("one") + "    - meta: end_play\n", "one", second=("one",)
    ),
    "cleared_errors": _shape(
        _change("one") + "FAIL    - meta: clear_host_errors\n", "one"
    ),
    "forced": _shape(_change("one") + "FAIL", keys="force_handlers: true"),
    "chained": _shape(_change("chained") + "FAIL", "chained"),
    "chain_breaks": _shape(_change("[broken, last]"), "broken", "last"),
    "unwanted": _shape(_change("unwanted")),
    "broken": _shape(_change("broken"), "broken"),
    "run_once": _shape(_change("once")),
    "check_mode": _shape(_change("one", ", check_mode: true") + "FAIL"),
    "ignored": _shape(
        "    - {act: {failed: true}, notify: one, ignore_errors: true}\nFAIL"
    ),
    "handler_includes": _shape(_change("several"), "several"),
    "meta_handler": _shape(_change("nothing") + "FAIL"),
    "nameless": _shape(_change("nameless") + "FAIL", "act (listens to nameless)"),
    "serial": _shape(_change("one") + "FAIL", "one", keys="serial: [2, 1]"),
    "free": _shape(_change("one") + "FAIL", "one", keys="strategy: free"),
    "delegated": _shape(_change("one", ", delegate_to: elsewhere") + "FAIL", "one"),
    "no_log": _shape(_change("one", ", no_log: true") + "FAIL", "one"),
    # It ends the playbook, so it is the last one.
    "errors_fatal": _shape(
        _change("one") + "FAIL", "one", second=("one",), keys="any_errors_fatal: true"
    ),
}


def playbook() -> str:
    """Return a playbook with all plays."""
    plays = []
    for name, shape in SHAPES.items():
        keys = f"  {shape.keys}\n" if shape.keys else ""
        tasks = shape.tasks.replace("FAIL", _FAIL.lstrip("\n"))
        plays.append(_HEAD.format(name=name) + keys + "  tasks:\n" + tasks)
    return "".join(plays)


def inventory() -> str:
    """Return the inventory with a group of two local hosts for each play."""
    local: dict[str, Any] = {"ansible_connection": "local"}
    groups = {
        name: {"hosts": {f"{name}{number}": local for number in (1, 2)}}
        for name in SHAPES
    }
    return json.dumps({"all": {"children": groups, "hosts": {"elsewhere": local}}})


def owed() -> set[tuple[str, str]]:
    """Return the hosts and handlers that all plays together owe."""
    return set(_owed())


def _owed() -> Iterator[tuple[str, str]]:
    for name, shape in SHAPES.items():
        yield from ((f"{name}1", handler) for handler in shape.first)
        yield from ((f"{name}2", handler) for handler in shape.second)
