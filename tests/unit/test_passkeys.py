"""The address for which passkeys are made."""

import pytest

from app.domain.passkeys import PasskeySite, site_of

URL = "https://deploy.example.org"
SITE = PasskeySite("deploy.example.org", URL)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        (URL, SITE),
        (f"{URL}:443/", SITE),
        ("https://Deploy.example.org:8443", PasskeySite(SITE.rp_id, f"{URL}:8443")),
        (
            "http://localhost:8000",
            PasskeySite("localhost", "http://localhost:8000"),
        ),
        ("http://deploy.example.org", None),
        ("http://127.0.0.1:8000", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]", None),
        ("", None),
    ],
)
def test_passkeys_need_https_and_a_name(url: str, site: PasskeySite | None) -> None:
    assert site == site_of(url)
