"""The fallback: events of ansible-runner's own callback, found by its own reader.

Its callback writes them into the terminal text as escape sequences. So they cost more
than ours, and what a module prints can forge them; secrets are masked all the same.
"""

import codecs
import json
import os
import select
import threading
import uuid
from pathlib import Path
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner
from ansible_runner.utils import OutputEventFilter, get_callback_dir

from .event_forwarder import Lines, is_whole, read
from .journal import JournalWriter
from .masking import MASK, Masker

# Small: for each event, ansible-runner's reader copies all that it was given at once.
_CHUNK = 1 << 14
_FAILED = ("_failed", "_unreachable")


class Fallback:
    """Copies ansible-runner's own events to the journal, in a thread of its own.

    What ansible-playbook prints outside of every event comes as an event as well, of
    the kind `verbose`, one a line.
    """

    def __init__(
        self, journal: JournalWriter, masker: Masker, ident: str, private: Path
    ) -> None:
        self._journal = journal
        self._masker = masker
        self._ident = ident
        self._counter = 0
        self._line = 0
        self._text, self.terminal = os.pipe()
        os.set_blocking(self._text, False)
        self._done, self._finish = os.pipe()
        self._poll = select.poll()
        for descriptor in (self._text, self._done):
            self._poll.register(descriptor, select.POLLIN)
        # It runs nothing: it puts an event together with the data in its file.
        runner = Runner(
            RunnerConfig(str(private), ident=ident), event_handler=self._on_event
        )
        # It copies the text to no file, and not to our standard output either.
        reader = OutputEventFilter(
            None, runner.event_callback, suppress_ansible_output=True
        )
        self.environment = {
            "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
            "ANSIBLE_STDOUT_CALLBACK": "awx_display",
            "AWX_ISOLATED_DATA_DIR": runner.config.artifact_dir,
        }
        self._thread = threading.Thread(
            target=self._run, args=(reader,), name="fallback", daemon=True
        )

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def finish(self) -> None:
        """Forward what was left behind, and stop."""
        os.close(self._finish)
        self._thread.join()

    def _run(self, reader: OutputEventFilter) -> None:
        try:
            self._feed(reader)
        except Exception as error:  # noqa: BLE001 - it trusts what a module prints
            # From here on it is text: Ansible must never wait for a reader that died.
            self._on_text(f"ansible-runner lost its events: {error!r}".encode())
            lines, done = Lines(self._on_text), False
            while not done:
                done = self._wait()
                lines.drain(self._text)
            lines.end()

    def _feed(self, reader: OutputEventFilter) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        done = False
        while not done:
            done = self._wait()
            while text := read(self._text, _CHUNK):
                reader.write(decoder.decode(text))
        reader.close()

    def _wait(self) -> bool:
        """Wait for text or the end; tells whether it is the end."""
        return any(descriptor == self._done for descriptor, _ in self._poll.poll())

    def _on_event(self, event: dict[str, Any]) -> bool:
        """Handle an event as ansible-runner's event handler; it needs no file of it."""
        if not is_whole(event):
            # Forged, or without the file that its data was in.
            self._on_text(str(event.get("stdout")).encode(errors="replace"))
            return False
        if event["event"].endswith(_FAILED) and _is_hidden(event["event_data"]):
            # Ansible's text of a failure may quote the arguments that no_log hides.
            event["stdout"] = MASK
        self._counter, self._line = event["counter"], event["end_line"]
        try:
            content = _as_json(event)
            if self._masker.finds(content):
                content = _as_json(self._masker.event(event))
        except RecursionError:
            self._on_text(f"{event['event']}: nested too deeply to be shown".encode())
            return False
        self._journal.write(content)
        return False

    def _on_text(self, line: bytes) -> None:
        self._on_event({
            "uuid": str(uuid.uuid4()),
            "counter": self._counter + 1,
            "stdout": line.decode(errors="replace"),
            "start_line": self._line,
            "end_line": self._line + 1,
            "runner_ident": self._ident,
            "event": "verbose",
            "event_data": {},
        })  # fmt: skip


def _as_json(event: dict[str, Any]) -> bytes:
    return json.dumps(event, ensure_ascii=False).encode(errors="replace")


def _is_hidden(data: dict[str, Any]) -> bool:
    """Whether no_log holds for the result in an event's data, or for an item of it."""
    res = data.get("res")
    if not isinstance(res, dict):
        return False
    items = res.get("results")
    found = [res, *(items if isinstance(items, list) else [])]
    return any(isinstance(item, dict) and "censored" in item for item in found)
