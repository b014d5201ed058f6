"""The client of an OpenID provider: authorization code flow with PKCE.

It follows OpenID Connect Core 1.0, Discovery 1.0 and Back-Channel Logout 1.0. The
browser keeps one secret in a cookie; state, nonce and code verifier are derived from
it. So a response that belongs to another browser or another login isn't accepted, and
nothing is stored on the server meanwhile.

Import it where it is used: it loads httpx and joserfc.
"""

import hashlib
import hmac
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.domain.identity import Identity
from app.domain.oidc import Provider, identity_of
from app.errors import ProviderFailed

#: The signatures that are accepted; never `none` or one with a shared secret.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512",
              "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]  # fmt: skip
#: Seconds that the clocks of the provider and of this host may differ.
LEEWAY = 60
#: Seconds that the documents of the provider are used without reading them again.
FRESH = 3600.0
#: Seconds between two readings of the keys because of tokens that anybody may send.
PAUSE = 10.0
_SECONDS = 10.0
_MAX_ANSWER = 512 * 1024
_LOGOUT = "http://schemas.openid.net/event/backchannel-logout"


class OidcClient:
    """Talks to one provider; its documents are cached, and it is safe in threads."""

    def __init__(self, provider: Provider, redirect_uri: str) -> None:
        self.provider = provider
        self._redirect_uri = redirect_uri
        self._lock = threading.Lock()
        self._metadata: Mapping[str, Any] = {}
        self._metadata_at = -FRESH
        self._keys: KeySet | None = None
        self._keys_at = -FRESH

    def authorization_url(self, secret: str) -> str:
        """Return where the browser logs in. Raises ProviderFailed."""
        challenge = hashlib.sha256(_derived(secret, "verifier").encode()).digest()
        parameters = {
            "response_type": "code",
            "client_id": self.provider.client_id,
            "redirect_uri": self._redirect_uri,
            "scope": " ".join(self.provider.scopes),
            "state": _derived(secret, "state"),
            "nonce": _derived(secret, "nonce"),
            "code_challenge": _base64(challenge),
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        separator = "&" if "?" in endpoint else "?"
        return f"{endpoint}{separator}{urlencode(parameters)}"

    def belongs(self, secret: str, state: str, issuer: str | None) -> bool:
        """Return whether a response belongs to the login with a secret."""
        same = hmac.compare_digest(_derived(secret, "state").encode(), state.encode())
        return same and issuer in (None, self.provider.issuer)

    def identify(self, secret: str, code: str) -> Identity:
        """Exchange the code, and return who logged in.

        Raises ProviderFailed: the code was used, a token isn't valid, or the provider
        doesn't answer.
        """
        answer = self._post(
            self._endpoint("token_endpoint"),
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self._redirect_uri,
                "code_verifier": _derived(secret, "verifier"),
            },
        )
        claims = self._verify(str(answer.get("id_token", "")), patient=False)
        if not hmac.compare_digest(
            str(claims.get("nonce", "")).encode(), _derived(secret, "nonce").encode()
        ):
            raise ProviderFailed(self._invalid("its nonce belongs to another login"))
        if self.provider.groups_claim not in claims:
            claims |= self._userinfo(str(answer.get("access_token", "")), claims["sub"])
        return identity_of(self.provider, claims)

    def logged_out(self, token: str) -> tuple[str, str]:
        """Return subject and session of a logout token; one of them may be empty.

        Raises ProviderFailed if it isn't a valid logout token of the provider.
        """
        claims = self._verify(token, patient=True, needs_subject=False)
        events = claims.get("events")
        subject, session = claims.get("sub", ""), claims.get("sid", "")
        if not isinstance(events, dict) or _LOGOUT not in events or "nonce" in claims:
            raise ProviderFailed(self._invalid("it isn't a logout token"))
        if not isinstance(subject, str) or not isinstance(session, str):
            raise ProviderFailed(self._invalid("it names no user"))
        if not subject and not session:
            raise ProviderFailed(self._invalid("it names no user"))
        return subject, session

    def _verify(
        self, token: str, *, patient: bool, needs_subject: bool = True
    ) -> dict[str, Any]:
        try:
            key_id = jws.extract_compact(token.encode()).headers().get("kid")
            keys = self._key_set(key_id, patient=patient)
            found = jwt.decode(token, keys, ALGORITHMS)
            claims: dict[str, Any] = found.claims
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY,
                iss={"essential": True, "value": self.provider.issuer},
                aud={"essential": True, "value": self.provider.client_id},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": needs_subject},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise ProviderFailed(self._invalid(str(error))) from None
        audience = claims["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        party = claims.get("azp", None if several else self.provider.client_id)
        if party != self.provider.client_id:
            raise ProviderFailed(self._invalid("it was issued to another client"))
        if needs_subject and not isinstance(claims["sub"], str):
            raise ProviderFailed(self._invalid("its subject isn't a text"))
        return claims

    def _key_set(self, key_id: str | None, *, patient: bool) -> KeySet:
        """Return the keys; read them again if there is none with this id."""
        with self._lock:
            age = time.monotonic() - self._keys_at
            known = self._keys is not None and (
                key_id is None or any(key.kid == key_id for key in self._keys.keys)
            )
            if (
                self._keys is None
                or age > FRESH
                or not (known or age < PAUSE * patient)
            ):
                document = self._get(self._endpoint("jwks_uri", locked=True))
                try:
                    self._keys = KeySet.import_key_set(document)  # type: ignore[arg-type]
                except (JoseError, ValueError, TypeError, KeyError):
                    problem = f"the keys of {self.provider.name} aren't valid"
                    raise ProviderFailed(problem) from None
                self._keys_at = time.monotonic()
            return self._keys

    def _userinfo(self, access_token: str, subject: str) -> dict[str, Any]:
        """Return further claims of the same user, none if the provider has none."""
        endpoint = self._discover().get("userinfo_endpoint")
        if not endpoint or not access_token:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        claims = self._get(str(endpoint), headers)
        if claims.get("sub") != subject:
            raise ProviderFailed(self._invalid("userinfo is about another user"))
        return {
            name: claims[name]
            for name in (self.provider.groups_claim, "preferred_username", "email")
            if name in claims
        }

    def _endpoint(self, name: str, *, locked: bool = False) -> str:
        found = self._discover(locked=locked).get(name)
        if not isinstance(found, str):
            raise ProviderFailed(f"the metadata of {self.provider.name} have no {name}")
        return found

    def _discover(self, *, locked: bool = False) -> Mapping[str, Any]:
        if not locked:
            with self._lock:
                return self._discover(locked=True)
        if time.monotonic() - self._metadata_at > FRESH:
            issuer = self.provider.issuer
            found = self._get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:
                raise ProviderFailed(
                    f"the issuer of {self.provider.name} is {found.get('issuer')!r}, "
                    f"and not {issuer!r}, as FASTDEPLOY_OIDC_FILE says"
                )
            self._metadata, self._metadata_at = found, time.monotonic()
        return self._metadata

    def _get(
        self, url: str, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        return self._send(httpx.Request("GET", url, headers=headers))

    def _post(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        secret = self.provider.client_secret.get_secret_value()
        methods = self._discover().get("token_endpoint_auth_methods_supported")
        if isinstance(methods, list) and "client_secret_basic" not in methods:
            own = {"client_id": self.provider.client_id, "client_secret": secret}
            return self._send(httpx.Request("POST", url, data=dict(form) | own))
        request = httpx.Request("POST", url, data=dict(form))
        # RFC 6749, section 2.3.1: both are encoded as in a form.
        pair = (urlencode({"": each})[1:] for each in (self.provider.client_id, secret))
        authorized = next(httpx.BasicAuth(*pair).auth_flow(request))
        return self._send(authorized)

    def _send(self, request: httpx.Request) -> dict[str, Any]:
        name = self.provider.name
        try:
            with httpx.Client(timeout=_SECONDS) as client:
                response = client.send(request, stream=True)
                content = b""
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > _MAX_ANSWER:
                        raise ProviderFailed(f"{name} answers more than is allowed")
                response.close()
            found = httpx.Response(response.status_code, content=content).json()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ProviderFailed(
                f"{name} doesn't answer ({type(error).__name__}); try again later, or "
                "log in with a password"
            ) from None
        except ValueError:
            raise ProviderFailed(f"{name} answers {response.status_code}") from None
        if response.status_code != 200 or not isinstance(found, dict):
            code = found.get("error", "") if isinstance(found, dict) else ""
            raise ProviderFailed(
                f"{name} answers {response.status_code} {str(code)[:100]}".rstrip()
            )
        return found

    def _invalid(self, why: str) -> str:
        return f"the token of {self.provider.name} isn't valid: {why}"


def _derived(secret: str, purpose: str) -> str:
    digest = hmac.digest(
        secret.encode(), f"fastdeploy oidc {purpose}".encode(), "sha256"
    )
    return _base64(digest)


def _base64(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()
