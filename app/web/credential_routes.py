"""The routes of the API for credentials."""

from app.domain.access import Permission
from app.web import api_credentials, api_parameters, credential_bodies
from app.web.guard import api_route
from app.web.operation import Operation

_CREDENTIALS = Permission.CREDENTIALS

API = [
    api_route("GET", "/api/v1/credentials", api_credentials.list_credentials,
        _CREDENTIALS, Operation(
            "credentials", "List the credentials, without their values.",
            list[credential_bodies.CredentialBody],
            parameters=api_parameters.PAGE_BY_NAME,
    )),
    api_route("GET", "/api/v1/credentials/{name}", api_credentials.show, _CREDENTIALS,
        Operation(
            "credentials", "Get a credential, without its value.",
            credential_bodies.CredentialBody,
    )),
    api_route("PUT", "/api/v1/credentials/{name}", api_credentials.put, _CREDENTIALS,
        Operation(
            "credentials", "Add a credential, or replace it.",
            credential_bodies.CredentialBody, status=201, also=(200,),
            body=credential_bodies.CredentialRequest, errors=(409,),
            description="The name is `kind:name`, such as `ssh:prod`.",
    )),
    api_route("DELETE", "/api/v1/credentials/{name}", api_credentials.remove,
        _CREDENTIALS, Operation(
            "credentials", "Remove a credential.",
            credential_bodies.CredentialBody, errors=(409,),
            parameters=(api_parameters.FORCE,),
            description="The response has what it was, without its value.",
    )),
    api_route("POST", "/api/v1/credentials/{name}/test", api_credentials.try_on,
        _CREDENTIALS, Operation(
            "credentials", "Try a credential on a host.",
            credential_bodies.TestBody, errors=(409,),
            body=credential_bodies.TestRequest,
            description="The host's key must be one that was accepted. The status is "
            "409 if the host refuses the credential.",
    )),
]  # fmt: skip
