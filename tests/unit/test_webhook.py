"""The signatures and payloads of webhooks, and the rules for pushes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.domain import config_json, repository_url
from app.domain.push import Push, PushRule
from app.domain.webhook import Provider, new_secret, verify
from app.domain.webhook_payload import read
from app.errors import Invalid, NotAllowed
from testing.webhook_sender import NOTHING, Sender

COMMIT, BEFORE = "c" * 40, "b" * 40
SECRET = new_secret(bytes(range(32)))
NOW = datetime(2026, 5, 4, 13, 37, tzinfo=UTC)
AT = int(NOW.timestamp())


def sender(provider: Provider, secret: str = SECRET) -> Sender:
    return Sender(provider, secret)


def signed(provider: Provider, **more: Any) -> tuple[dict[str, str], bytes]:
    return sender(provider).sign({"a": 1}, "push", "one", **{"at": AT, **more})


@pytest.mark.parametrize("provider", Provider)
def test_a_signature_is_accepted_with_each_valid_secret(provider: Provider) -> None:
    headers, body = signed(provider)

    found = verify(provider, headers, body, ["another", SECRET], NOW)

    assert "one" == found.delivery


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("change", ["missing", "empty", "wrong", "secret", "body"])
def test_a_request_with_another_signature_is_refused(
    provider: Provider, change: str
) -> None:
    headers, body = signed(provider)
    name = next(h for h in headers if h.endswith(("signature", "-256", "gitlab-token")))
    secrets = [SECRET]
    match change:
        case "missing":
            del headers[name]
        case "empty":
            headers[name] = ""
        case "wrong":
            headers[name] = headers[name][:-1] + "é"
        case "secret":
            secrets = ["another"]
        case "body" if provider is not Provider.GITLAB:
            body += b" "
        case _:
            # GitLab's older token signs nothing.
            headers[name] += " "

    with pytest.raises(NotAllowed, match=r"not signed|doesn't match"):
        verify(provider, headers, body, secrets, NOW)


def test_githubs_published_example_is_accepted() -> None:
    digest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={digest}"}

    verify(Provider.GITHUB, headers, b"Hello, World!",
           ["It's a Secret to Everybody"], NOW)  # fmt: skip


def test_a_sha1_signature_is_refused() -> None:
    headers, body = signed(Provider.GITHUB)
    headers["x-hub-signature"] = headers.pop("x-hub-signature-256")

    with pytest.raises(NotAllowed, match="X-Hub-Signature-256 is missing"):
        verify(Provider.GITHUB, headers, body, [SECRET], NOW)


@pytest.mark.parametrize("late", [-301, 301, 10**6])
def test_a_signed_timestamp_is_valid_for_five_minutes(late: int) -> None:
    gitlab = sender(Provider.GITLAB).standard({"a": 1}, "one", AT)
    for provider, request in (
        (Provider.GENERIC, signed(Provider.GENERIC)),
        (Provider.GITLAB, gitlab),
    ):
        then = NOW + timedelta(seconds=late)
        soon = NOW + timedelta(seconds=299 if late > 0 else -299)
        assert "one" == verify(provider, *request, [SECRET], soon).delivery
        with pytest.raises(NotAllowed, match="more than 5 minutes"):
            verify(provider, *request, [SECRET], then)


def test_a_timestamp_can_not_be_replaced() -> None:
    headers, body = signed(Provider.GENERIC)
    headers["x-fastdeploy-timestamp"] = str(AT + 1)

    with pytest.raises(NotAllowed, match="doesn't match"):
        verify(Provider.GENERIC, headers, body, [SECRET], NOW)


def test_gitlabs_signing_token_covers_id_time_and_body() -> None:
    headers, body = sender(Provider.GITLAB).standard({"a": 1}, "one", AT)

    for changed, content in (
        ({"webhook-id": "two"}, body),
        ({"webhook-timestamp": str(AT + 1)}, body),
        ({}, body + b" "),
        # The older token doesn't help a request with a wrong signature.
        ({"webhook-signature": "v1,x", "x-gitlab-token": SECRET}, body),
    ):
        with pytest.raises(NotAllowed, match="doesn't match"):
            verify(Provider.GITLAB, headers | changed, content, [SECRET], NOW)


def test_the_same_body_has_the_same_digest_whatever_its_id() -> None:
    first, second = (
        verify(Provider.GITHUB, *sender(Provider.GITHUB).sign({"a": 1}, "push", name),
               [SECRET], NOW)
        for name in ("one", "two")
    )  # fmt: skip

    assert first.delivery != second.delivery
    assert first.digest == second.digest


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/tags/v1"])
@pytest.mark.parametrize("provider", Provider)
def test_the_push_of_each_provider_is_read(provider: Provider, ref: str) -> None:
    headers, body = sender(provider).push(ref, COMMIT, BEFORE)

    assert (Push(ref, COMMIT, BEFORE),) == read(provider, headers, body).pushes


@pytest.mark.parametrize("provider", Provider)
def test_a_removed_branch_launches_nothing(provider: Provider) -> None:
    headers, body = sender(provider).push("refs/heads/main", NOTHING, BEFORE)

    found = read(provider, headers, body)

    assert () == found.pushes
    assert "removes a branch" in found.ignored


def test_bitbucket_data_centers_changes_are_read() -> None:
    change = {"refId": "refs/heads/main", "toHash": COMMIT, "fromHash": NOTHING}
    request = sender(Provider.BITBUCKET).sign(
        {"changes": [change, change | {"toHash": NOTHING}]}, "repo:refs_changed", "one"
    )

    found = read(Provider.BITBUCKET, *request)

    assert (Push("refs/heads/main", COMMIT),) == found.pushes


def test_another_event_is_named_and_ignored() -> None:
    headers, body = sender(Provider.GITHUB).sign({"zen": "…"}, "ping", "one")

    assert (
        "the event ping launches nothing"
        in read(Provider.GITHUB, headers, body).ignored
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"payload=%7B%7D", b"[]", b"{", {}, {"ref": "main", "after": COMMIT},
        {"ref": "refs/heads/main", "after": "c"}, {"ref": 1, "after": COMMIT},
        {"ref": "refs/heads/a\0", "after": COMMIT},
        {"ref": f"refs/heads/{'a' * 300}", "after": COMMIT},
        {"ref": "refs/heads/main", "after": "--output=x" + "0" * 30},
    ],
)  # fmt: skip
def test_a_payload_without_a_usable_push_is_refused(payload: Any) -> None:
    headers, body = sender(Provider.GITHUB).sign(payload, "push", "one")

    with pytest.raises(Invalid):
        read(Provider.GITHUB, headers, body)


@pytest.mark.parametrize(
    ("pattern", "ref", "matches"),
    [
        ("main", "refs/heads/main", True),
        ("main", "refs/tags/main", False),
        ("release/*", "refs/heads/release/1/2", True),
        ("v*", "refs/tags/v1", False),
        ("refs/tags/v*", "refs/tags/v1", True),
        ("refs/tags/v*", "refs/heads/v1", False),
        ("refs/heads/main", "refs/heads/main", True),
        ("Main", "refs/heads/main", False),
    ],
)
def test_a_rule_matches_branches_or_tags(
    pattern: str, ref: str, *, matches: bool
) -> None:
    assert matches == PushRule(ref=pattern).matches(ref)


def test_a_rule_takes_named_values_of_the_push_only() -> None:
    wanted: Any = {"a": "ref", "b": "commit", "c": "tag", "d": "branch"}
    rule = PushRule(ref="*", variables={"e": "{{ ref }}"}, from_push=wanted)

    assert {
        "a": "refs/tags/v1", "b": COMMIT, "c": "v1", "e": "{{ ref }}",
    } == rule.given(Push("refs/tags/v1", COMMIT))  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"from_push": {"other": "tag"}}, "other is not a variable of the service"),
        ({"from_push": {"key": "tag"}}, "key is secret: a push can't set it"),
        ({"variables": {"key": "x"}}, "key is secret: a push can't set it"),
        ({"variables": {"word": 1}, "from_push": {"need": "tag"}}, "word "),
        ({}, "need is required"),
        ({"options": {"limit": "web"}, "from_push": {"need": "tag"}}, "limit"),
        ({"paths": ["../x"]}, "must be a pattern inside of the repository"),
        ({"paths": [":(top)x\n"]}, "must be a pattern inside of the repository"),
        ({"from_push": {"need": "body"}}, "from_push"),
    ],
)
def test_a_rule_is_checked_as_a_launch_would_be(
    rule: dict[str, Any], problem: str
) -> None:
    properties = {
        "word": {"type": "string"},
        "need": {"type": "string"},
        "key": {"type": "string", "writeOnly": True},
    }
    config = {
        "name": "infra/site",
        "playbook": "site.yml",
        "variables": {"properties": properties, "required": ["need"]},
        "on_push": [{"ref": "main", **rule}],
    }

    with pytest.raises(ValueError, match=problem):
        config_json.validate(config)


@pytest.mark.parametrize(
    ("provider", "url", "page", "api"),
    [
        ("github", "https://github.com/acme/infra.git",
         "https://github.com/acme/infra/commit/c",
         "https://api.github.com/repos/acme/infra/statuses/c"),
        ("github", "git@git.example.org:acme/infra.git",
         "https://git.example.org/acme/infra/commit/c",
         "https://git.example.org/api/v3/repos/acme/infra/statuses/c"),
        ("gitlab", "ssh://git@gitlab.com:22/acme/group/infra.git",
         "https://gitlab.com/acme/group/infra/-/commit/c",
         "https://gitlab.com/api/v4/projects/acme%2Fgroup%2Finfra/statuses/c"),
        ("gitea", "http://127.0.0.1:3000/acme/infra",
         "http://127.0.0.1:3000/acme/infra/commit/c",
         "https://127.0.0.1:3000/api/v1/repos/acme/infra/statuses/c"),
        ("bitbucket", "https://bitbucket.org/acme/infra.git",
         "https://bitbucket.org/acme/infra/commits/c", ""),
        ("generic", "https://example.org/infra", "", ""),
        ("github", "file:///srv/acme/infra", "", ""),
    ],
)  # fmt: skip
def test_the_addresses_of_a_commit_follow_from_that_of_its_repository(
    provider: str, url: str, page: str, api: str
) -> None:
    assert page == repository_url.commit_page(Provider(provider), url, "c")
    assert api == repository_url.status_url(Provider(provider), url, "c", "")
