"""The names of users, teams and tokens, as regular expressions of the whole name."""

#: The name of a user or a team.
NAME = r"[\w.@+-]{1,64}"
#: The name of a token, which may have spaces.
TOKEN_NAME = r"[\w.@+ -]{1,64}"  # noqa: S105 - no token
