"""What a browser signs with a passkey, and whether it has: WebAuthn.

The texts are JSON, as the browser's PublicKeyCredential reads and writes it. The
library takes half a second to import, so only the functions that need it import this.
"""

from collections.abc import Iterable

import webauthn
from webauthn.helpers import (
    exceptions,
    parse_authentication_credential_json,
    parse_registration_credential_json,
    structs,
)

from app.domain.passkeys import NewPasskey, Passkey, PasskeySite, counter_is_valid
from app.errors import InvalidFields

#: The field of the errors, and of the forms.
FIELD = "passkey"
#: Milliseconds that the browser waits for the user.
TIMEOUT = 120_000
_NAME = "FastDeploy"
#: What the library raises for a response that isn't valid; version 3.0.1 looks up the
#: parts of a public key without checking that they are there, and JSON can be nested
#: too deeply.
_INVALID = (
    exceptions.WebAuthnException,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


def creation_options(
    site: PasskeySite,
    user_id: int,
    user_name: str,
    challenge: bytes,
    present: Iterable[Passkey],
) -> str:
    """Return what the browser needs to make a passkey of a user.

    An authenticator that has one of the `present` passkeys makes no other.
    """
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=_NAME,
        user_name=user_name,
        user_id=str(user_id).encode(),
        challenge=challenge,
        timeout=TIMEOUT,
        attestation=structs.AttestationConveyancePreference.NONE,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.PREFERRED,
        ),
        exclude_credentials=_descriptors(present),
    )
    return webauthn.options_to_json(options)


def verify_creation(site: PasskeySite, challenge: bytes, response: str) -> NewPasskey:
    """Return the passkey that a browser has made. Raises InvalidFields."""
    _require_response(response)
    try:
        credential = parse_registration_credential_json(response)
        found = webauthn.verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
        )
    except _INVALID as error:
        raise _refused(site, error) from None
    transports = credential.response.transports or []
    return NewPasskey(
        found.credential_id,
        found.credential_public_key,
        found.sign_count,
        tuple(each.value for each in transports),
    )


def request_options(
    site: PasskeySite, challenge: bytes, present: Iterable[Passkey]
) -> str:
    """Return what the browser needs to use one of these passkeys."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=_descriptors(present),
        user_verification=structs.UserVerificationRequirement.PREFERRED,
    )
    return webauthn.options_to_json(options)


def credential_id_of(response: str) -> bytes:
    """Return which passkey a browser has used. Raises InvalidFields."""
    _require_response(response)
    try:
        return parse_authentication_credential_json(response).raw_id
    except _INVALID:
        raise InvalidFields({FIELD: "this isn't a passkey; try again"}) from None


def verify_use(
    site: PasskeySite, challenge: bytes, passkey: Passkey, response: str
) -> int:
    """Return the new counter of a passkey whose signature is right.

    Raises InvalidFields, also if the counter hasn't grown.
    """
    try:
        found = webauthn.verify_authentication_response(
            credential=response,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=passkey.key.public_key,
            # The counter is compared below, for an error of its own.
            credential_current_sign_count=0,
        )
    except _INVALID as error:
        raise _refused(site, error) from None
    if not counter_is_valid(passkey.key.sign_count, found.new_sign_count):
        raise InvalidFields(
            {
                FIELD: f"the counter of the passkey {passkey.name!r} has gone back: "
                "somebody may have copied it; log in otherwise and remove it"
            }
        )
    return found.new_sign_count


def _require_response(response: str) -> None:
    if not response:
        raise InvalidFields(
            {FIELD: "the browser has sent no passkey; passkeys need JavaScript"}
        )


def _refused(site: PasskeySite, error: Exception) -> InvalidFields:
    """Return the error for a response that isn't valid."""
    if "origin" in str(error):
        return InvalidFields(
            {FIELD: f"passkeys work at {site.origin} only; open FastDeploy there"}
        )
    return InvalidFields({FIELD: "this passkey isn't valid here; try again"})


def _descriptors(
    present: Iterable[Passkey],
) -> list[structs.PublicKeyCredentialDescriptor]:
    known = {each.value: each for each in structs.AuthenticatorTransport}
    return [
        structs.PublicKeyCredentialDescriptor(
            id=each.key.credential_id,
            transports=[known[name] for name in each.key.transports if name in known],
        )
        for each in present
    ]
