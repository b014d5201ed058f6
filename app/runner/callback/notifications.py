"""Which handlers the results of tasks notify, and which handlers have run.

Ansible reports a notification when it flushes the handlers. A host that fails, or whose
play ends, before that is never reported; so this reads `notify` of each result itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ansible.errors import AnsibleError
from ansible.playbook.handler import Handler
from ansible.template import Templar

#: Actions that run for one host on behalf of all.
_FOR_ALL = {f"{prefix}{name}" for name in ("add_host", "pause")
            for prefix in ("", "ansible.builtin.", "ansible.legacy.")}  # fmt: skip
_META = {"meta", "ansible.builtin.meta", "ansible.legacy.meta"}


class Notifications:
    """Follows the notifications of one play at a time."""

    def __init__(self) -> None:
        self._play: Any = None
        #: The notifications of a loop's items, and whether the item was changed.
        self._items: dict[tuple[str, str], list[tuple[list[str], bool]]] = {}

    def start(self, play: Any) -> None:
        """Begin a play, or a batch of it."""
        self._play = play
        self._items.clear()

    def add_item(self, result: Any) -> None:
        """Keep the notifications of a successful item until the task's result."""
        task = result.task
        if task.notify and not task.check_mode:
            key = result.host.get_name(), str(task._uuid)
            changed = result.result.get("changed") is True
            self._items.setdefault(key, []).append((task.notify, changed))

    def of_result(self, result: Any, *, failed: bool) -> dict[str, Any]:
        """Return the fields with the handlers that a result notifies, or has run.

        `notified` has names of handlers. `ran_handler` names the handler that the
        result is of, and `for_all` says that it ran once, for all hosts. In check mode,
        nothing was changed, and no handler runs.
        """
        task = result.task
        is_handler = isinstance(task, Handler)
        if not (is_handler or task.notify) or task.check_mode:
            return {}
        fields: dict[str, Any] = {}
        names: list[str] = []
        if task.notify:
            for notification in self._notifications(result, failed=failed):
                names += map(self.name, find(self.handlers(), notification))
        if is_handler:
            fields = self._of_handler(task)
            if failed and not fields and not task.ignore_errors:
                names += self._including(task)
        return {**fields, **({"notified": list(dict.fromkeys(names))} if names else {})}

    def _notifications(self, result: Any, *, failed: bool) -> list[str]:
        """Return what a result notifies.

        Ansible notifies for all items if one was changed, and for none if one failed.
        But an item that was changed stays changed then, so it counts.
        """
        task = result.task
        if not task.loop:
            changed = not failed and result.is_changed()
            return list(task.notify) if changed else []
        items = self._items.pop((result.host.get_name(), str(task._uuid)), [])
        chosen = (names for names, changed in items if changed or not failed)
        return [name for names in chosen for name in names] if (
            failed or result.is_changed()) else []  # fmt: skip

    def _of_handler(self, task: Any) -> dict[str, Any]:
        own = next((h for h in self.handlers() if h._uuid == task._uuid), None)
        if own is None:
            return {}
        strategy = str(self._play.strategy)
        alone = "free" in strategy or "host_pinned" in strategy
        for_all = not alone and (task.run_once is True or task.action in _FOR_ALL)
        return {
            "ran_handler": self.name(own),
            **({"for_all": True} if for_all else {}),
        }

    def _including(self, task: Any) -> Iterator[str]:
        """Yield the name of the handler that has included this task."""
        handlers = {handler._uuid: handler for handler in self.handlers()}
        parent = task._parent
        while parent is not None:
            if handler := handlers.get(parent._uuid):
                yield self.name(handler)
                return
            parent = parent._parent

    def handlers(self) -> list[Any]:
        """Return the handlers in the order in which Ansible looks for one.

        They include those of the roles that were included so far.
        """
        blocks = reversed(self._play.handlers)
        found = [handler for block in blocks for handler in block.block]
        for handler in found:
            if not handler.cached_name and "{{" in (handler.name or ""):
                self._template(handler)
        return found

    def _template(self, handler: Any) -> None:
        """Evaluate the name as Ansible does when it looks for a handler."""
        manager = self._play.get_variable_manager()
        values = manager.get_vars(play=self._play, task=handler)
        try:
            handler.name = Templar(None, variables=values).template(handler.name)
        except AnsibleError:
            return
        handler.cached_name = True

    def name(self, handler: Any) -> str:
        """Return the name with the role's; without one, the action and its topic."""
        name = str(handler.get_name()).strip()
        if handler.name:
            return name
        return f"{name} (listens to {handler.listen[0]})"


def find(handlers: list[Any], notification: str) -> Iterator[Any]:
    """Yield the handlers that a notification reaches.

    Of handlers with the same name, the first one counts. A topic reaches all handlers
    that listen to it. Handlers that are `meta` tasks have no result, so they are left
    out.
    """
    named = (each for each in handlers if each.name and notification in _names(each))
    by_name = next(named, None)
    if by_name is not None and by_name.action not in _META:
        yield by_name
    seen = set()
    for handler in handlers:
        if notification in handler.listen and handler.name not in seen:
            if handler.name:
                seen.add(handler.name)
            if handler.action not in _META:
                yield handler


def _names(handler: Any) -> set[str]:
    return {
        handler.name,
        handler.get_name(include_role_fqcn=False),
        handler.get_name(include_role_fqcn=True),
    }
