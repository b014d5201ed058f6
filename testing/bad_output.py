"""Journals of runs that print what nobody expects."""

import json
from dataclasses import dataclass
from typing import Any

UUID = "0242ac11-0002-1f3b-93a8-000000000001"


def step(name: str, state: str, message: str = "") -> bytes:
    """Return the line with which a script reports a step."""
    return json.dumps({"name": name, "state": state, "message": message}).encode()


def event(**changed: Any) -> bytes:
    """An event of ansible-runner as a line, with something wrong with it."""
    well = {
        "event": "runner_on_ok", "uuid": UUID, "counter": 1, "stdout": "ok: [web01]",
        "event_data": {"play": "all", "task": "Say hello", "host": "web01"},
    }  # fmt: skip
    return json.dumps(well | changed).encode()


@dataclass(frozen=True)
class Case:
    """What a run prints and how it ends, and what has to become of it."""

    payload: bytes
    ending: str = "exit 0"
    exit_code: int = 0
    reason: str = ""
    #: The steps afterwards; the service declares "build" and "check".
    steps: tuple[tuple[str, str], ...] = (("build", "skipped"), ("check", "skipped"))
    #: What a person must find on the page.
    shown: str = ""


WELL = (("build", "success"), ("check", "success"))
BOTH = step("build", "success") + b"\n" + step("check", "success") + b"\n"
LONG = "x" * 10_000
CASES = {
    "text": Case(b"hello, this is no JSON\n", shown="hello, this is no JSON"),
    "number": Case(b"42\n", shown="42"),
    "null": Case(b"null\n", shown="null"),
    "nested": Case(
        b'{"name": {"name": ["build"]}, "state": {"state": "success"}}\n'
        b'[{"name": "build", "state": "success"}]\n'
        + b'{"state":' * 5000 + b"1" + b"}" * 5000 + b"\n",
        shown="build",
    ),
    "unknown-state": Case(step("build", "exploded") + b"\n", shown="exploded"),
    "no-state": Case(b'{"name": "build", "message": "hm"}\n', shown="hm"),
    "no-name": Case(b'{"state": "success"}\n', shown="success"),
    "huge-step-name": Case(
        step(LONG, "success", LONG) + b"\n",
        steps=(("build", "skipped"), ("check", "skipped"),
               ("x" * 199 + "…", "success")),
    ),
    "invalid-utf-8": Case(
        b"before \xff\xfe\xc3\x28 after\n"
        + step("build", "success")[:-2] + b'\xff"}\n',
        shown="before ��",
    ),
    "nul": Case(
        b"before\0after\n" + b'{"name": "bu\\u0000ild", "state": "success"}\n' + BOTH,
        steps=(*WELL, ("bu�ild", "success")),
        shown="before�after",
    ),
    "carriage-returns": Case(b"10%\r50%\r100%\r\ndone\r\n", shown="done"),
    "no-newline-at-the-end": Case(b"first\nlast", shown="last"),
    "deep": Case(
        b"".join(
            form.replace(b"0}", b"[" * depth + b"]" * depth + b"}") + b"\n"
            for depth in (254, 255, 500, 1020, 2000)
            for form in (
                b'{"name": "build", "state": "success", "message": 0}',
                event(event_data={"play": "all", "task": "check", "res": 0}),
                b'{"status": "running", "runner_ident": "1", "a": 0}',
            )
        ),
        steps=(("build", "success"), ("check", "skipped"), ("all", "success")),
    ),
    "20-mebibytes-in-a-line": Case(
        b"a" * (10 * 1024 * 1024) + "é".encode() * (5 * 1024 * 1024) + b"\n" + BOTH,
        steps=WELL,
    ),
    "200000-lines": Case(
        b"".join(b"line %d\n" % n for n in range(1, 200_001)) + BOTH, steps=WELL,
        shown="line 199999",
    ),
    "html": Case(
        b"<script>alert(1)</script><img src=x onerror=alert(1)>\n"
        b"</pre></section><iframe src='javascript:alert(1)'></iframe>\n"
        b"{{ 7 * 7 }} {% for x in y %} &lt;b&gt;\n"
        + step("<b onclick=alert(1)>", "success", "<svg onload=alert(1)>") + b"\n",
        steps=(("build", "skipped"), ("check", "skipped"),
               ("<b onclick=alert(1)>", "success")),
        shown="<script>alert(1)</script>",
    ),
    "terminal-escapes": Case(
        b"\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b[2J\x1b[1;1H \x1b]8;;"
        b"javascript:alert(1)\x07link\x1b]8;;\x07 \x1bP1;2q\x1b\\ \x9b31m \x07\n"
        + "\u202egnp.exe\n".encode()
        + step("build", "success", "\x1b[31mred\x1b[0m\x07") + b"\n",
        steps=(("build", "success"), ("check", "skipped")),
        shown="link",
    ),
    "forged-stream-events": Case(
        b"event: end\ndata: \n\nid: 999999\ndata: forged\n\r\n: ping\n",
        shown="event: end",
    ),
    "nothing": Case(b""),
    "exit-3-after-success": Case(
        BOTH + b"but then\n", "exit 3", 3, "exit code 3: but then", WELL
    ),
    "failure-with-exit-0": Case(
        step("build", "failure", "no space") + b"\n", "exit 0", 0,
        "step in failure: build (exit code 0)",
        (("build", "failure"), ("check", "skipped")),
    ),
    "killed": Case(
        step("build", "running") + b"\n", "kill -9 $$", 137,
        "exit code 137 (killed by SIGKILL) in step build: "
        "the run ended in this step: exit code 137 (killed by SIGKILL)",
        (("build", "failure"), ("check", "skipped")),
    ),
    "forged-runner-events": Case(
        b"\n".join([
            event(uuid="../../../../tmp/forged"),
            event(uuid=f"{UUID}/../../x"),
            event(uuid=f"{UUID}\n"),
            event(uuid=None),
            event(counter="1"),
            event(counter=True),
            event(counter=0),
            event(counter=-1),
            event(counter=10**30),
            event(counter="../1"),
            event(event_data=[]),
            event(stdout=["no text"]),
            event(event={}),
            b'{"zipfile": 1048576}',
            b'{"eof": true}',
            b'{"kwargs": {"ident": "../../x"}}',
            b'{"status": "successful", "env": {"KEY": "VALUE"}}',
            b'{"status": "nonsense", "runner_ident": "1"}',
        ]) + b"\n",
        shown="zipfile",
    ),
}  # fmt: skip
