"""The names of users, teams and tokens: letters and digits of any script, and signs."""

from unicodedata import category

_LENGTH = range(1, 65)
_SIGNS = frozenset("_.@+-")
#: The same rules as patterns of ECMA-262, for the OpenAPI document.
NAME = r"^[\p{L}\p{Nd}_.@+-]{1,64}$"
TOKEN_NAME = r"^[\p{L}\p{Nd}_.@+ -]{1,64}$"  # noqa: S105 - no token


def is_name(name: str) -> bool:
    """Return whether a user or a team may have this name."""
    return len(name) in _LENGTH and all(map(_may_be_in_name, name))


def is_token_name(name: str) -> bool:
    """Return whether a token may have this name, which may have spaces."""
    return len(name) in _LENGTH and all(
        each == " " or _may_be_in_name(each) for each in name
    )


def _may_be_in_name(character: str) -> bool:
    kind = category(character)
    return kind.startswith("L") or kind == "Nd" or character in _SIGNS
