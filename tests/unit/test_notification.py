"""Which events notify, what is refused, and what a message looks like."""

import json
import re
import sys
from typing import Any

import pytest

from app.domain import channel, config_json, notification_text
from app.domain.deployment import Status
from app.domain.notification import delay_after, event_of
from app.domain.notification_text import (
    MAX_TEXT,
    ChangeText,
    FailureText,
    compose,
    name_hosts,
    one_line,
    plain,
)
from app.domain.webhook_signature import sign
from app.errors import Invalid, InvalidFields
from testing.factories import make_config
from testing.paths import ROOT

HOSTILE = (
    "\x1b[31m<script>alert(1)</script>\x1b[0m <!channel> <http://evil|click> @channel "
    "[x](http://evil) ![i](http://evil/t.png) `code` [r]: http://evil \x00\u202e\r"
)
URL = "slack://tokenA-canary/tokenB-canary/tokenC-canary?key=canary%2Fquery"


@pytest.mark.parametrize(
    ("outcome", "before", "event"),
    [
        (Status.FAILED, None, "failed"),
        (Status.FAILED, Status.FAILED, "failed"),
        (Status.TIMEOUT, Status.SUCCESSFUL, "failed"),
        (Status.SUCCESSFUL, Status.FAILED, "recovered"),
        (Status.SUCCESSFUL, Status.TIMEOUT, "recovered"),
        (Status.SUCCESSFUL, Status.SUCCESSFUL, None),
        (Status.SUCCESSFUL, None, None),
        (Status.CANCELED, Status.FAILED, None),
    ],
)
def test_an_outcome_is_an_event_by_the_one_before(
    outcome: Status, before: Status | None, event: str | None
) -> None:
    assert event == event_of(outcome, before)


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        ({"on": ["changed"], "to": "ops"}, 'notify.0.on.0: must be "failed", '),
        ({"on": ["never"], "to": "ops"}, '"drift" or "edited-outside"'),
        ({"on": [], "to": "ops"}, "notify.0.on"),
        ({"on": ["failed", "failed"], "to": "ops"}, "must name each event once"),
        ({"on": ["failed"], "to": "Ops!"}, "notify.0.to"),
        ({"on": ["failed"]}, "notify.0.to: is required"),
        ({"on": ["failed"], "to": "ops", "url": "x"}, "notify.0.url"),
    ],
)
def test_a_rule_that_can_notify_nobody_is_refused(
    rule: dict[str, Any], sentence: str
) -> None:
    content = json.dumps(make_config(notify=[rule])).encode()

    with pytest.raises(Invalid, match=re.escape(sentence)):
        config_json.parse(content, "hello")


@pytest.mark.parametrize(
    ("url", "secret", "field"),
    [
        ("", "", "url"),
        ("no url canary", "", "url"),
        ("syslog://canary", "", "url"),
        ("slack://canary\r\nHeader: x", "", "url"),
        ("https://user:canary@host/", "canary-of-16-characters", "url"),
        ("https://host/canary", "", "secret"),
        ("https://host/canary", "canary", "secret"),
        ("slack://canary", "canary-of-16-characters", "secret"),
    ],
)
def test_a_channel_is_refused_without_its_secret_in_the_sentence(
    url: str, secret: str, field: str
) -> None:
    with pytest.raises(InvalidFields) as caught:
        channel.check(url, secret, "")

    assert [field] == list(caught.value.problems)
    assert "canary" not in str(caught.value)


def test_the_parts_of_a_url_are_masked_wherever_a_library_names_them() -> None:
    parts = channel.parts(URL)

    assert {URL, "tokenA-canary", "tokenC-canary", "canary%2Fquery"} <= set(parts)
    assert "canary/query" in parts


def test_output_has_no_markup_of_any_receiver_and_mentions_nobody() -> None:
    text = plain(HOSTILE)

    assert not re.search(r"[<>`\x00-\x1f\u202e]", text)
    assert not re.search(r"@\w|\]\(|\]:", text)
    assert "script" in text
    title = one_line(f"web1\r\nBcc: evil@example.org {HOSTILE}\n" * 20)
    assert title.isprintable() or "\u2060" in title
    assert "\n" not in title
    assert "\r" not in title
    assert len(title) <= notification_text.MAX_TITLE


def test_a_long_message_keeps_what_happened_and_the_link() -> None:
    failure = FailureText("web1", "", "Install", "m" * 9999, ["l" * 999] * 50)
    changes = [ChangeText(f"v{n}", "1\n2", None) for n in range(12)]

    text = compose("a" * 9999, "https://fd/deployments/1", [failure] * 5, 25,
                   "It last passed in deployment 7.", changes)  # fmt: skip

    assert len(text) <= MAX_TEXT
    assert "https://fd/deployments/1" in text
    assert "It last passed in deployment 7." in text
    assert "v0: 1 2 → none" in text
    assert "and 2 more" in text
    assert "web1, web2, web3 and 27 more" == name_hosts(
        [f"web{n}" for n in range(1, 31)]
    )


def test_attempts_become_rarer_and_end() -> None:
    delays = [delay_after(attempts) for attempts in range(1, 10)]
    known = [each for each in delays if each]

    assert known == sorted(known)
    assert None is delays[-1]
    assert 8 == len(known)


def test_the_documented_code_verifies_a_webhook_and_refuses_a_changed_one() -> None:
    page = (ROOT / "docs/how-to/notifications.md").read_text()
    code = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert code is not None
    scope: dict[str, Any] = {}
    exec(code[1], scope)  # noqa: S102 - the code of our documentation
    body = b'{"event": "failed"}'
    now = 1_800_000_000
    secret = "correct horse battery"

    def verify(body: bytes, signature: str, at: int = now) -> bool:
        headers = {
            "X-FastDeploy-Timestamp": str(now),
            "X-FastDeploy-Signature": signature,
        }
        return bool(scope["is_genuine"](secret, headers, body, at))

    signature = sign(secret, str(now), body)
    assert verify(body, signature)
    assert not verify(body + b" ", signature)
    assert not verify(body, sign("another secret!!", str(now), body))
    assert not verify(body, "")
    assert not verify(body, signature, now + 301)


def test_neither_the_web_nor_the_worker_imports_apprise() -> None:
    """The process of a message imports it; a command that needs no message doesn't."""
    import subprocess  # noqa: PLC0415

    code = (
        "import sys, app.bootstrap.web, app.bootstrap.worker, app.cli.channel; "
        "print([n for n in ('apprise', 'requests', 'httpcore') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True,
        check=True,
    )  # fmt: skip

    assert "[]\n" == done.stdout
