"""The versions of a file: what diffs add, deltas, and who wrote each line."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import file_history, text_delta
from app.domain.blame import blame, lines_of, matches
from app.domain.file_history import LastVersion, StoredVersion, VersionKind
from app.runner import file_diffs
from app.runner.file_diffs import FileDiff

NOW = datetime(2026, 5, 5, tzinfo=UTC)
KEY, OTHER_KEY = b"k" * 32, b"o" * 32
CHANGED, UNKNOWN = VersionKind.CHANGED, VersionKind.UNKNOWN
TEXTS = st.text(st.sampled_from("ab\né\r\x00"), max_size=40)


@given(TEXTS, TEXTS)
def test_a_delta_makes_the_text_from_its_base(text: str, base: str) -> None:
    assert text == text_delta.decode(text_delta.encode(text, base), base)


def test_a_delta_of_another_base_is_refused() -> None:
    delta = text_delta.encode("port: 8080\n", "port: 80\n")

    with pytest.raises(ValueError, match="another"):
        text_delta.decode(delta, "name: x\n")


@given(st.lists(TEXTS | st.none(), max_size=8))
def test_each_version_is_made_from_the_stored_ones(contents: list[str | None]) -> None:
    stored: list[StoredVersion] = []
    base = ""
    for text in reversed(contents):
        delta = None if text is None else text_delta.encode(text, base)
        base = base if text is None else text
        stored.insert(0, StoredVersion(CHANGED, delta))

    assert contents == file_history.texts(stored)


def test_a_missing_version_makes_older_ones_unknown_and_none_wrong() -> None:
    stored = [
        StoredVersion(CHANGED, text_delta.encode("a\nb\nc\n", "a\nx\nc\n")),
        StoredVersion(CHANGED, text_delta.encode("z\n")),
    ]

    assert [None, "z\n"] == file_history.texts(stored)


@given(st.lists(TEXTS, min_size=1, max_size=6))
def test_blame_has_the_lines_of_the_last_version(contents: list[str]) -> None:
    found = blame(contents)

    assert lines_of(contents[-1]) == [line for line, _ in found]
    for line, origin in found:
        assert line in lines_of(contents[origin])
        assert all(line in lines_of(text) for text in contents[origin:])


@given(TEXTS, TEXTS)
def test_matching_lines_are_equal_and_in_order(old: str, new: str) -> None:
    before, after = lines_of(old), lines_of(new)
    pairs = sorted(matches(before, after))

    assert all(before[one] == after[other] for one, other in pairs)
    assert pairs == sorted(set(pairs), key=lambda pair: pair[1])
    assert len(pairs) == len({one for one, _ in pairs})


def test_blame_finds_the_versions_of_moved_and_new_lines() -> None:
    contents = ["a\nb\n", "new\na\nb\n", "new\na\nB\n"]

    assert [("new", 1), ("a", 0), ("B", 2)] == blame(contents)


def _last(kind: VersionKind, text: str | None, digest: str = "") -> LastVersion:
    return LastVersion(kind, NOW, text, digest)


@pytest.mark.parametrize(
    ("last", "diff", "kinds"),
    [
        (None, FileDiff("/f", "", "a"), "changed"),
        (None, FileDiff("/f", "a", "b"), "found changed"),
        (None, FileDiff("/f", None, None), "unknown"),
        (None, FileDiff("/f", None, "", removed=True), ""),
        (_last(CHANGED, "a"), FileDiff("/f", "a", "b"), "changed"),
        (_last(CHANGED, "a"), FileDiff("/f", "A", "b"), "outside changed"),
        (_last(CHANGED, "a"), FileDiff("/f", "a", None), "unknown"),
        (_last(CHANGED, "a"), FileDiff("/f", "A", None), "outside unknown"),
        (_last(CHANGED, "a"), FileDiff("/f", None, "b"), "unknown changed"),
        (_last(CHANGED, "a"), FileDiff("/f", None, "", removed=True), "removed"),
        (_last(CHANGED, None), FileDiff("/f", "a", "b"), "found changed"),
        (_last(UNKNOWN, None), FileDiff("/f", "a", "b"), "found changed"),
        (_last(UNKNOWN, None), FileDiff("/f", None, "b"), "changed"),
        (_last(VersionKind.REMOVED, ""), FileDiff("/f", "", "b"), "changed"),
        (_last(VersionKind.REMOVED, ""), FileDiff("/f", "a", "b"), "outside changed"),
    ],
)
def test_a_diff_adds_versions(
    last: LastVersion | None, diff: FileDiff, kinds: str
) -> None:
    assert kinds.split() == [each.kind for each in file_history.add(last, diff)]


def test_digests_distinguish_masked_secrets() -> None:
    one, other = (file_diffs.digest(text, KEY) for text in ("sesame", "simsim"))
    last = _last(CHANGED, "********", one)

    same = file_history.add(last, FileDiff("/f", "********", "b", digest_before=one))
    edited = file_history.add(
        last, FileDiff("/f", "********", "b", digest_before=other)
    )
    # The secret was masked only once.
    unmasked = file_history.add(last, FileDiff("/f", "sesame", "b", digest_before=one))

    assert ["changed"] == [each.kind for each in same]
    assert ["outside", "changed"] == [each.kind for each in edited]
    assert ["changed"] == [each.kind for each in unmasked]


def test_digests_of_another_key_are_not_compared() -> None:
    last = _last(CHANGED, "a", file_diffs.digest("a", KEY))
    digest = file_diffs.digest("a", OTHER_KEY)

    found = file_history.add(last, FileDiff("/f", "a", "b", digest_before=digest))

    assert ["changed"] == [each.kind for each in found]


def _found(res: Mapping[str, object], **data: object) -> list[tuple[object, ...]]:
    about = {"res": {"changed": True, **res}, **data}
    event = {"event": "runner_on_ok", "event_data": json.loads(json.dumps(about))}
    return [
        (each.path, each.before, each.after, each.removed)
        for each in file_diffs.find(event)
    ]


HEADERS = {"before_header": "/etc/a", "after_header": "/src/a.j2"}


@pytest.mark.parametrize(
    ("res", "expected"),
    [
        ({"diff": HEADERS | {"before": "1", "after": "2"}}, ("/etc/a", "1", "2")),
        (
            {"diff": [{"before_header": "/etc/a (content)", "before": "1",
                       "after": "2"},
                      {"before_header": "/etc/a (file attributes)", "before": "",
                       "after": "{}"}]},
            ("/etc/a", "1", "2"),
        ),
        # A new file has no header.
        (
            {"dest": "/etc/a", "checksum": "1f",
             "diff": [{"before": "", "after": "2", "after_header": "/src/a.j2"}]},
            ("/etc/a", "", "2"),
        ),
        ({"diff": HEADERS | {"before": "1", "src_larger": 104448}},
         ("/etc/a", "1", None)),
        ({"diff": HEADERS | {"before": "1", "after": "2… [cut: 9 more characters]"}},
         ("/etc/a", "1", None)),
        ({"dest": "/etc/../etc//a", "checksum": "1f"}, ("/etc/a", None, None)),
    ],
    ids=["template", "lineinfile", "new", "large", "cut", "without a diff"],
)  # fmt: skip
def test_diffs_of_modules(res: dict[str, object], expected: tuple[object, ...]) -> None:
    assert [(*expected, False)] == _found(res)


@pytest.mark.parametrize(
    "res",
    [
        {"diff": {"before": {"path": "/etc/a", "mode": "0644"},
                  "after": {"path": "/etc/a", "mode": "0600"}}},
        {"diff": HEADERS | {"before": "1", "after": "2"}, "changed": False},
        {"diff": HEADERS | {"before": "1", "after": "1"}},
        {"diff": HEADERS | {"before": 1, "after": [2]}},
        {"diff": {"before_header": "crontab", "before": "1", "after": "2"}},
        {"diff": {"before_header": "/a" * 2000, "before": "1", "after": "2"}},
        {"diff": "text"}, {"diff": [None, 3]}, {"results": "none"},
    ],
)  # fmt: skip
def test_other_results_change_no_file(res: dict[str, object]) -> None:
    assert [] == _found(res)


def test_a_removed_file_and_a_loop() -> None:
    removed = {
        "diff": {
            "before": {"path": "/etc/a", "state": "file"},
            "after": {"path": "/etc/a", "state": "absent"},
        }
    }
    item = HEADERS | {"before": "1", "after": "2"}
    loop = {
        "results": [
            {"ansible_loop_var": "item", "changed": changed, "diff": item}
            for changed in (True, False)
        ]
    }

    assert [("/etc/a", None, "", True)] == _found(removed)
    assert [("/etc/a", "1", "2", False)] == _found(loop)
    assert [] == _found(loop, check_mode=True)


@pytest.mark.parametrize("forged", ["\0", "x" * 41, "0" * 8, None, 7])
def test_a_digest_that_the_runner_cannot_have_made_is_ignored(forged: object) -> None:
    diff = {"before_header": "/etc/motd", "before": "1", "after": "2"}
    after = file_diffs.digest("2", KEY)
    data = {"res": {"changed": True, "diff": diff}}
    event = {
        "event": "runner_on_ok", "event_data": data, "file_digests": [forged, after],
    }  # fmt: skip

    [found] = file_diffs.find(event)

    assert ("", after) == (found.digest_before, found.digest_after)
