"""What PostgreSQL can search for, and how."""

from sqlalchemy import ColumnElement, func


def can_be_found(*texts: str | None) -> bool:
    """Return whether PostgreSQL's texts can contain all of these.

    They can't contain NUL, and searching for one is an error.
    """
    return not any("\0" in text for text in texts if text)


def lower(text: ColumnElement[str], word: str) -> ColumnElement[str]:
    """Return a text in lower case, in which a word is searched.

    For a word in ASCII, the collation C is enough: it converts ASCII only, which takes
    a third of the time.
    """
    return func.lower(text.collate("C") if word.isascii() else text)


def contains(text: ColumnElement[str], part: str) -> ColumnElement[bool]:
    """Return whether a text contains another one, in upper or lower case."""
    return func.strpos(lower(text, part), func.lower(part)) > 0
