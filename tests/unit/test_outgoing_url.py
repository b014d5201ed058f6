"""URLs of users: which are accepted, and to which addresses they may lead."""

import ipaddress

import pytest

from app.domain.outgoing_url import may_connect, parse_networks, parse_url
from app.errors import BadSetting
from app.settings import read_settings

CANARY = "hunter2-canary"


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("https://hc.example.org/ping/a%20b?x=1", "hc.example.org", "/ping/a%20b?x=1"),
        ("http://HC.example.org:8080", "hc.example.org:8080", "/"),
        ("https://[2001:db8::1]:443/a", "[2001:db8::1]", "/a"),
    ],
)
def test_a_url_is_split(url: str, authority: str, target: str) -> None:
    parsed = parse_url(url)

    assert (authority, target) == (parsed.authority, parsed.target)
    assert target.strip("/") == "" or target not in repr(parsed)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ping",
        "file:///etc/passwd",
        "ftp://h/x",
        "https:///x",
        "https://u:p@h/x",
        "https://h@/x",
        "https://h/x#y",
        "https://h/x y",
        "https://h/x\r\nX: y",
        "https://h:99999/",
        "https://h:0/",
        "https://h\\@127.0.0.1/",
        "https://[::1%25lo]/",
        "https://[::1/",
        "https://bücher.example/",
        "https://h/" + "x" * 2000,
    ],
)
def test_another_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse_url(url.replace("x", CANARY) if len(url) < 100 else url)

    assert CANARY not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.9.9.9",
        "0.0.0.0",  # noqa: S104 - compared, not bound
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:7f00:1::",
        "2001:0:1::1",
    ],
)
def test_an_internal_address_is_refused(address: str) -> None:
    assert not may_connect(address, ())


@pytest.mark.parametrize(
    "address",
    [
        "9.9.9.9",
        "2620:fe::fe",
        "::ffff:9.9.9.9",
        "64:ff9b::909:909",
    ],
)
def test_a_public_address_is_allowed(address: str) -> None:
    assert may_connect(address, ())


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),
        ("fd00::5", True),
        ("::1", True),
        ("10.2.0.1", False),
        ("127.0.0.1", False),
    ],
)
def test_an_internal_address_can_be_allowed(address: str, *, expected: bool) -> None:
    allowed = parse_networks("10.1.0.0/16, fd00::/8, ::1/128")

    assert expected is may_connect(address, allowed)


def test_the_setting_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDEPLOY_OUTGOING_PRIVATE", "10.0.0.0/8,")

    assert (ipaddress.ip_network("10.0.0.0/8"),) == read_settings().outgoing_allowed


def test_another_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FASTDEPLOY_OUTGOING_PRIVATE", "10.0.0.1/8")

    with pytest.raises(BadSetting, match=r"OUTGOING_PRIVATE: .* such as 10.0.0.0/8"):
        read_settings()
