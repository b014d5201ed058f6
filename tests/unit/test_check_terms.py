"""The terminology check reads prose, and nothing but prose."""

from pathlib import Path

import pytest

from tools import check_terms

AVOID = check_terms.terms(check_terms.GLOSSARY.read_text())


def found(name: str, text: str) -> list[tuple[int, str]]:
    hits = check_terms.hits(Path(name), text, AVOID)
    return [(hit.line, hit.term.word) for hit in hits]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("page.md", "# A page\n\nMend the file.\n", 3),
        ("page.md", "    code\n\nA `span`,\n\n    code\n\nmend `it`\n", 7),
        ("main.yml", "- name: Mend the file\n  command: x\n", 1),
        ("main.yml", "- name: Fix it\n  # and\n  # mend it\n", 3),
        ("module.py", '"""A module."""\n\n\ndef f():\n    """Mend it."""\n', 5),
        ("module.py", "x = 1\n# Mend it.\n", 2),
        ("test_it.py", "x = 1\n\n\ndef test_it_can_mend_a_file():\n    pass\n", 4),
        ("cli.py", 'Option(help="Mend it.")\n', 1),
        ("errors.py", 'raise Invalid(f"{name}: mend it")\n', 1),
        ("page.html", "<p>\n{{ name }}: mend it</p>\n", 2),
        ("page.html", '<button title="Mend it" class="mend">Fix</button>\n', 1),
    ],
)
def test_a_planted_word_is_found_with_its_line(name: str, text: str, line: int) -> None:
    assert [(line, "mend")] == found(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("page.md", "The field `mend` and ``mend``.\n\n```\nmend\n```\n\n    mend\n"),
        ("page.md", "[A link](mend.md) to <https://example.org/mend>.\n"),
        ("main.yml", '- name: Fix it\n  debug: {msg: "{{ mend }}"}\n'),
        ("module.py", 'mend = {"mend": "mend"}  # `mend` is the old name\n'),
        ("page.html", '{% if mend %}<p class="mend">{{ mend }}</p>{% endif %}\n'),
    ],
)
def test_code_is_not_checked(name: str, text: str) -> None:
    assert [] == found(name, text)


def test_a_phrase_is_found_across_the_end_of_a_line() -> None:
    assert [(1, "is no")] == found("page.md", "A list is\nno object.\n")


def test_a_phrase_of_the_exceptions_is_allowed() -> None:
    assert [] == found("page.md", "It is no\nlonger used; there is no other.\n")


def test_a_part_of_another_word_or_of_a_path_is_allowed() -> None:
    assert [] == found("page.md", "As well as ill-formed, /etc/mend, .mend.\n")
