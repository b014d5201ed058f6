"""What PostgreSQL can search for."""


def can_be_found(*texts: str | None) -> bool:
    """Return whether PostgreSQL's texts can contain all of these.

    They can't contain NUL, and searching for one is an error.
    """
    return not any("\0" in text for text in texts if text)
