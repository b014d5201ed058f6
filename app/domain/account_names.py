r"""The names of users, teams and tokens: letters and digits of any script, and signs.

The patterns are for the OpenAPI document. Their `\w` is that of Unicode's regular
expressions, UTS #18: it includes the marks that belong to letters of many scripts.
"""

from unicodedata import category

_LENGTH = range(1, 65)
#: Clients resolve these parts of an address before they send it.
_RESOLVED = frozenset({".", ".."})
_SIGNS = frozenset(".@+-")
#: Letters, marks, digits, numerals such as the Roman ones, and connectors as `_`.
_WORD = ("L", "M", "Nd", "Nl", "Pc")
#: Joins letters, or keeps them apart.
_JOINERS = frozenset("\u200c\u200d")
# The end of a path must not be one that clients resolve.
NAME = r"^(?!\.{1,2}$)[\w.@+-]{1,64}$"
TOKEN_NAME = r"^(?!\.{1,2}$)[\w.@+ -]{1,64}$"  # noqa: S105 - no token


def is_name(name: str) -> bool:
    """Return whether a user or a team may have this name."""
    return _has_form(name) and all(map(_may_be_in_name, name))


def is_token_name(name: str) -> bool:
    """Return whether a token may have this name, which may have spaces."""
    return _has_form(name) and all(
        each == " " or _may_be_in_name(each) for each in name
    )


def _has_form(name: str) -> bool:
    return len(name) in _LENGTH and name not in _RESOLVED


def _may_be_in_name(character: str) -> bool:
    return (
        category(character).startswith(_WORD)
        or character in _SIGNS
        or character in _JOINERS
    )
