"""The routes of the API for users, tokens and the account of a request."""

from app.domain.access import Permission
from app.web import api_parameters, api_tokens, api_users, token_bodies, user_bodies
from app.web.guard import api_route
from app.web.operation import Operation

_VIEW, _ADMIN = Permission.VIEW, Permission.ADMIN
_USER = "/api/v1/users/{name}"
_TOKEN = "/api/v1/tokens/{id:number}"  # noqa: S105 - a path
_OWN_TOKENS = "/api/v1/account/tokens"
_SECRET = "The response has the secret, which can't be read again."  # noqa: S105

API = [
    api_route("GET", "/api/v1/account", api_tokens.show_account, _VIEW, Operation(
        "access", "Get who makes the request, and what they may do.",
        token_bodies.AccountBody,
    )),
    api_route("GET", _OWN_TOKENS, api_tokens.list_own, _VIEW, Operation(
        "access", "List the personal tokens of the user who makes the request.",
        list[token_bodies.TokenBody], parameters=api_parameters.PAGE_BY_ID,
        description="Also with one of these tokens. Another token gets an empty list.",
    )),
    api_route("POST", _OWN_TOKENS, api_tokens.create_own, _VIEW, Operation(
        "access", "Create a personal token.", token_bodies.TokenSecretBody, status=201,
        body=token_bodies.OwnTokenRequest, errors=(409,),
        description=f"Refused for a token (403): only a session can. {_SECRET}",
    )),
    api_route("GET", "/api/v1/tokens", api_tokens.list_tokens, _ADMIN, Operation(
        "access", "List the tokens of all users and machines.",
        list[token_bodies.TokenBody], parameters=api_parameters.PAGE_BY_ID,
    )),
    api_route("POST", "/api/v1/tokens", api_tokens.create, _ADMIN, Operation(
        "access", "Create a token for a machine.", token_bodies.TokenSecretBody,
        status=201, body=token_bodies.TokenRequest, errors=(409,), description=_SECRET,
    )),
    api_route("GET", _TOKEN, api_tokens.show, _VIEW, Operation(
        "access", "Get a token.", token_bodies.TokenBody,
        description="Its owner may, itself, and an admin.",
    )),
    api_route("DELETE", _TOKEN, api_tokens.revoke, _VIEW, Operation(
        "access", "Revoke a token.", token_bodies.TokenBody,
        description="Its owner may, itself, and an admin. The response has what it "
        "was.",
    )),
    api_route("GET", "/api/v1/users", api_users.list_users, _ADMIN, Operation(
        "access", "List the users.", list[user_bodies.UserBody],
        parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("POST", "/api/v1/users", api_users.create_user, _ADMIN, Operation(
        "access", "Create a user.", user_bodies.UserDetailBody, status=201,
        body=user_bodies.UserRequest, errors=(409,),
    )),
    api_route("GET", _USER, api_users.show_user, _ADMIN, Operation(
        "access", "Get a user with their teams and grants.", user_bodies.UserDetailBody,
    )),
    api_route("PUT", f"{_USER}/role", api_users.set_role, _ADMIN, Operation(
        "access", "Change the role of a user, also in their sessions.",
        user_bodies.UserDetailBody, body=user_bodies.RoleRequest, errors=(409,),
        description="Refused for the last admin who can log in.",
    )),
    api_route("PUT", f"{_USER}/password", api_users.set_password, _ADMIN, Operation(
        "access", "Change the password of a user, and end their sessions.",
        user_bodies.UserDetailBody, body=user_bodies.PasswordRequest,
    )),
    api_route("POST", f"{_USER}/disable", api_users.disable, _ADMIN, Operation(
        "access", "Disable a user, and end their sessions.",
        user_bodies.UserDetailBody, errors=(409,),
        description="Refused for the last admin who can log in.",
    )),
    api_route("POST", f"{_USER}/enable", api_users.enable, _ADMIN, Operation(
        "access", "Enable a disabled user.", user_bodies.UserDetailBody,
    )),
    api_route("DELETE", f"{_USER}/sessions", api_users.end_sessions, _ADMIN, Operation(
        "access", "End the sessions of a user.", user_bodies.EndedSessionsBody,
    )),
    api_route(
        "DELETE", f"{_USER}/second-factor", api_users.reset_second_factor, _ADMIN,
        Operation(
            "access", "Remove the second factor of a user, and end their sessions.",
            user_bodies.UserDetailBody,
            description="The status is 404 if the user has none.",
    )),
]  # fmt: skip
