"""The fallback: events of ansible-runner's own callback, parsed by its own reader.

Its callback writes them into the terminal text as escape sequences. So they cost more
than FastDeploy's own, and the output of a module can forge them. Secrets are masked.
"""

import codecs
import select
import uuid
from pathlib import Path
from typing import Any

from ansible_runner.config.runner import RunnerConfig
from ansible_runner.runner import Runner
from ansible_runner.utils import OutputEventFilter, get_callback_dir

from .journal import JournalWriter
from .listener import Lines, Listener, as_json, is_whole
from .masking import MASK, Masker
from .plaintexts import Plaintexts

# Small: for each event, ansible-runner's reader copies the whole chunk it was given.
_CHUNK = 1 << 14
_FAILED = ("_failed", "_unreachable")


class Fallback(Listener):
    """Copies ansible-runner's own events to the journal.

    Each line that ansible-playbook prints outside of an event becomes an event of the
    kind `verbose`.
    """

    def __init__(
        self,
        journal: JournalWriter,
        masker: Masker,
        plaintexts: Plaintexts,
        ident: str,
        private: Path,
    ) -> None:
        super().__init__(journal, masker, plaintexts, ident, thread_name="fallback")
        self._poll = select.poll()
        for descriptor in (self._text, self._done):
            self._poll.register(descriptor, select.POLLIN)
        # It runs nothing: it merges each event with the data in the event's file.
        runner = Runner(
            RunnerConfig(str(private), ident=ident), event_handler=self._on_event
        )
        # It copies the text neither to a file nor to this process's standard output.
        self._reader = OutputEventFilter(
            None, runner.event_callback, suppress_ansible_output=True
        )
        self.environment = {
            "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
            "ANSIBLE_STDOUT_CALLBACK": "awx_display",
            "AWX_ISOLATED_DATA_DIR": runner.config.artifact_dir,
        }

    def _run(self) -> None:
        try:
            self._feed()
        except Exception as error:  # noqa: BLE001 - its parser trusts module output
            # From here on, copy everything as text: Ansible would block on a pipe that
            # has no reader.
            self._on_text(f"ansible-runner lost its events: {error!r}".encode())
            lines, done = Lines(self._on_text), False
            while not done:
                done = self._wait()
                lines.drain(lambda: self._read(self._text))
            lines.end()

    def _feed(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        done = False
        while not done:
            done = self._wait()
            while text := self._read(self._text, _CHUNK):
                self._reader.write(decoder.decode(text))
        self._reader.close()

    def _wait(self) -> bool:
        """Wait for text or for `finish`; return whether it was `finish`."""
        return any(descriptor == self._done for descriptor, _ in self._poll.poll())

    def _on_event(self, event: dict[str, Any]) -> bool:
        """Write an event to the journal; the event handler of ansible-runner.

        It returns False, so that ansible-runner keeps no file of the event.
        """
        if not is_whole(event):
            # The event is forged, or the file with its data is missing.
            self._on_text(str(event.get("stdout")).encode(errors="replace"))
            return False
        if event["event"].endswith(_FAILED) and _is_hidden(event["event_data"]):
            # Ansible's text of a failure may quote the arguments that no_log hides.
            event["stdout"] = MASK
        self._counter, self._line = event["counter"], event["end_line"]
        try:
            content = as_json(event)
            if self._masker.finds(content):
                content = as_json(self._masker.event(event))
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


def _is_hidden(data: dict[str, Any]) -> bool:
    """Return whether no_log hides the result in an event's data, or an item of it."""
    res = data.get("res")
    if not isinstance(res, dict):
        return False
    items = res.get("results")
    results = [res, *(items if isinstance(items, list) else [])]
    return any(isinstance(item, dict) and "censored" in item for item in results)
