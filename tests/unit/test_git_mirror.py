"""The mirror of a git repository: branches and tags and their commits."""

import pytest

from app.runner.errors import RunnerError
from app.runner.git_mirror import Commit
from app.runner.git_refs import Ref, ResolvedRef
from testing.git_example import PATIENCE, Example, allowing, refs_of


def test_branches_and_tags_are_listed_with_their_commits_newest_first(
    example: Example,
) -> None:
    found = example.mirror.refs()

    assert {
        "refs/heads/--upload-pack=evil": example.third,
        "refs/heads/experiment": example.experiment,
        "refs/heads/main": example.third,
        "refs/heads/release/1": example.fix,
        "refs/tags/approved": example.second,
        "refs/tags/v1": example.second,
        "refs/tags/v2": example.third,
    } == {ref.name: ref.commit for ref in found}
    dates = [ref.date for ref in found]
    assert sorted(dates, reverse=True) == dates
    assert (
        Ref("refs/heads/release/1", "release/1", example.fix,
            "2023-11-14T22:17:20+00:00", "Fix the site")
        in found
    )  # fmt: skip


def test_only_allowed_refs_are_listed(example: Example) -> None:
    assert ["refs/tags/v1", "refs/tags/v2"] == sorted(refs_of(allowing(example, "v*")))


def test_the_default_ref_is_the_branch_that_head_of_the_repository_names(
    own: Example,
) -> None:
    assert "refs/heads/main" == own.mirror.default_ref()

    own.repository.git("symbolic-ref", "HEAD", "refs/heads/release/1")
    own.mirror.fetch(PATIENCE)
    assert "refs/heads/release/1" == own.mirror.default_ref()

    own.repository.git("update-ref", "--no-deref", "HEAD", own.second)
    own.mirror.fetch(PATIENCE)
    with pytest.raises(RunnerError, match="no default branch that is allowed"):
        own.mirror.default_ref()


def test_a_default_branch_that_is_not_allowed_is_refused(example: Example) -> None:
    with pytest.raises(RunnerError, match=r"choose one of v\*, release/\*\."):
        allowing(example, "v*", "release/*").default_ref()


@pytest.mark.parametrize(
    ("text", "ref", "name"),
    [
        ("main", "refs/heads/main", "third"),
        ("refs/heads/main", "refs/heads/main", "third"),
        ("release/1", "refs/heads/release/1", "fix"),
        ("v1", "refs/tags/v1", "second"),
        ("refs/tags/v1", "refs/tags/v1", "second"),
        ("approved", "refs/tags/approved", "second"),
        ("--upload-pack=evil", "refs/heads/--upload-pack=evil", "third"),
    ],
)
def test_a_name_is_resolved_to_a_commit(
    example: Example, text: str, ref: str, name: str
) -> None:
    assert ResolvedRef(ref, getattr(example, name)) == example.mirror.resolve(text)


@pytest.mark.parametrize("digits", [7, 12, 40])
def test_digits_of_a_hash_are_resolved_to_a_commit(
    example: Example, digits: int
) -> None:
    assert ResolvedRef("", example.first) == example.mirror.resolve(
        example.first[:digits]
    )


@pytest.mark.parametrize(
    "text",
    ["", "-x", "--all", "HEAD", "main~1", "main:site.yml", "@{-1}", "refs/pull/1/head",
     "release", "release/*", "ma*", "main\0x", "main\nx", "\udcff", "a-tree", "abcdef0",
     "0" * 40, "refs/heads/v1"],
)  # fmt: skip
def test_what_is_neither_a_branch_nor_a_tag_nor_a_commit_is_refused(
    example: Example, text: str
) -> None:
    with pytest.raises(RunnerError, match="has no") as raised:
        example.mirror.resolve(text)

    assert str(raised.value).isprintable()


def test_an_unknown_name_suggests_similar_ones(example: Example) -> None:
    with pytest.raises(RunnerError, match=r"choose one, such as release/1\.$"):
        example.mirror.resolve("releases1")


def test_a_name_that_is_not_allowed_is_refused(example: Example) -> None:
    with pytest.raises(RunnerError, match=r"main of .* not allowed: .* v\*\."):
        allowing(example, "v*").resolve("main")


def test_a_branch_and_a_tag_of_one_name_must_be_distinguished(own: Example) -> None:
    own.repository.git("branch", "v1", own.third)
    own.repository.git("branch", "v2", own.third)
    own.mirror.fetch(PATIENCE)

    with pytest.raises(RunnerError, match="write refs/heads/v1 or refs/tags/v1"):
        own.mirror.resolve("v1")
    assert own.third == own.mirror.resolve("refs/heads/v1").commit
    assert own.second == own.mirror.resolve("refs/tags/v1").commit
    # Both name the same commit.
    assert ResolvedRef("refs/tags/v2", own.third) == own.mirror.resolve("v2")


def test_a_full_hash_is_a_commit_even_if_a_branch_has_this_name(own: Example) -> None:
    own.repository.git("update-ref", f"refs/heads/{own.first}", own.third)
    own.mirror.fetch(PATIENCE)

    assert ResolvedRef("", own.first) == own.mirror.resolve(own.first)


def test_refs_that_are_moved_removed_and_replaced_by_a_folder_are_followed(
    own: Example,
) -> None:
    git = own.repository.git
    git("branch", "-D", "-q", "experiment")
    git("branch", "experiment/new", own.second)
    git("tag", "-f", "v2", own.first)
    git("reset", "-q", "--hard", own.first)

    own.mirror.fetch(PATIENCE)

    found = refs_of(own.mirror)
    assert "refs/heads/experiment" not in found
    assert own.second == found["refs/heads/experiment/new"]
    assert own.first == found["refs/tags/v2"]
    assert own.first == found["refs/heads/main"]


@pytest.mark.parametrize("name", ["first", "second", "third", "fix", "experiment"])
def test_a_commit_of_any_ref_is_allowed_without_patterns(
    example: Example, name: str
) -> None:
    example.mirror.require_allowed(getattr(example, name))


@pytest.mark.parametrize("name", ["first", "second"])
def test_a_commit_of_an_allowed_ref_is_allowed(example: Example, name: str) -> None:
    allowing(example, "refs/tags/v1").require_allowed(getattr(example, name))


@pytest.mark.parametrize(
    ("name", "refs"),
    [("fix", "release/1"), ("experiment", "experiment"), ("third", ".* and 1 more")],
)
def test_a_commit_of_other_refs_is_refused(
    example: Example, name: str, refs: str
) -> None:
    with pytest.raises(RunnerError, match=f"is only in {refs}, but .*: v1\\.$"):
        allowing(example, "v1").require_allowed(getattr(example, name))


def test_a_pattern_that_matches_no_ref_allows_no_commit(example: Example) -> None:
    with pytest.raises(RunnerError, match="must be in an allowed ref"):
        allowing(example, "nothing").require_allowed(example.first)


def test_a_commit_that_a_force_push_removed_is_refused_and_can_still_be_compared(
    own: Example,
) -> None:
    own.repository.git("branch", "-D", "-q", "experiment")
    own.mirror.fetch(PATIENCE)

    with pytest.raises(RunnerError, match="any more: a force-push or the removal"):
        own.mirror.require_allowed(own.experiment)
    assert ["Try it"] == [
        commit.subject for commit in own.mirror.log(own.third, own.experiment)
    ]


def test_a_commit_that_was_never_in_a_branch_is_not_fetched(own: Example) -> None:
    own.repository.git("switch", "-q", "--detach")
    hidden = own.repository.commit("Hide it", {"hidden.yml": "[]\n"})
    own.mirror.fetch(PATIENCE)

    with pytest.raises(RunnerError, match="it was removed, or never pushed"):
        own.mirror.require_allowed(hidden)


@pytest.mark.parametrize("commit", ["main", "-x", "HEAD", "", "0" * 39, "G" * 40])
def test_only_the_full_hash_of_a_commit_can_be_allowed(
    example: Example, commit: str
) -> None:
    with pytest.raises(RunnerError, match="not the full hash"):
        example.mirror.require_allowed(commit)


def test_a_tree_is_not_a_commit(example: Example) -> None:
    tree = example.repository.git("rev-parse", f"{example.third}^{{tree}}")

    with pytest.raises(RunnerError, match="has no commit"):
        example.mirror.require_allowed(tree)


def test_a_file_is_read_from_a_commit(example: Example) -> None:
    read = example.mirror.read

    assert b"- hosts: all\n" == read(example.first, "site.yml")
    assert b"- hosts: web\n" == read(example.third, "site.yml")
    assert b"[]\n" == read(example.third, "roles/web/tasks/main.yml")
    for missing in ("other.yml", "roles", "../site.yml", "/etc/passwd", "", "s*", "-x"):
        assert None is read(example.third, missing)
    with pytest.raises(RunnerError, match=r"site\.yml is larger than 3 bytes"):
        read(example.third, "site.yml", 3)


def test_the_log_between_two_commits_has_what_was_added(example: Example) -> None:
    date = "2023-11-14T22:15:20+00:00"

    found = example.mirror.log(example.first, example.third)

    assert ["Change the site", "Add a role"] == [commit.subject for commit in found]
    assert Commit(example.second, "Author", date, "Add a role") == found[1]
    assert 1 == len(example.mirror.log(example.first, example.third, limit=1))
    assert [] == example.mirror.log(example.third, example.third)


def test_the_log_of_a_rollback_has_what_was_removed(example: Example) -> None:
    found = example.mirror.log(example.third, example.second)

    assert [("Change the site", True)] == [
        (commit.subject, commit.removed) for commit in found
    ]


def test_the_log_between_branches_has_both(example: Example) -> None:
    found = example.mirror.log(example.fix, example.second)

    assert {("Fix the site", True), ("Add a role", False)} == {
        (commit.subject, commit.removed) for commit in found
    }


def test_the_changed_files_are_summarized(example: Example) -> None:
    lines = example.mirror.stat(example.first, example.third).splitlines()

    assert " roles/web/tasks/main.yml | 1 +" == lines[0]
    assert " 2 files changed, 2 insertions(+), 1 deletion(-)" == lines[2]
