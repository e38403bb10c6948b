"""Signed requests: the scheme is RFC 9421's, and nothing but a whole and intact request passes."""

import string
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchants.request_signature import (
    Asked,
    MalformedSignatureError,
    content_digest,
    covers_request,
    holds,
    make_mac,
    read_signature,
    signature_base,
)

# RFC 9421, appendix B.1.5 (the shared secret), B.2 (the request) and B.2.5 (the signature).
RFC_SECRET = b64decode(
    "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ=="
)
RFC_REQUEST = Asked(
    method="POST",
    scheme="https",
    authority="example.com",
    path="/foo",
    query="param=Value&Pet=dog",
    headers={"date": "Tue, 20 Apr 2021 02:07:55 GMT", "content-type": "application/json"},
    body=b'{"hello": "world"}',
)
RFC_PARAMETERS = (
    '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"'
)
RFC_MAC = b64decode("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=")

SECRET = b"a secret that nobody knows"
BODY = b'{"order_no":"A-1"}'
ASKED = Asked(
    method="POST",
    scheme="https",
    authority="coupon.example",
    path="/api/v1/redemptions",
    query="",
    headers={"content-digest": content_digest(BODY), "content-type": "application/json"},
    body=BODY,
)
COMPONENTS = ("@method", "@path", "@query", "content-digest")
PARAMETERS = (
    '("@method" "@path" "@query" "content-digest");created=1795227304'
    ';keyid="pos_1";nonce="0123456789abcdef";alg="hmac-sha256"'
)


def signature_over(asked: Asked, parameters: str = PARAMETERS) -> str:
    components = tuple(parameters[1 : parameters.index(")")].replace('"', "").split())
    mac = make_mac(SECRET, signature_base(components, parameters, asked))
    return f"pos=:{b64encode(mac).decode()}:"


def passes(asked: Asked, signature_input: str, signature: str) -> bool:
    try:
        read = read_signature(signature_input, signature)
        return covers_request(read, asked) and holds(read, SECRET, asked)
    except MalformedSignatureError:
        return False


def test_the_base_and_the_signature_of_the_rfc_are_reproduced() -> None:
    base = signature_base(("date", "@authority", "content-type"), RFC_PARAMETERS, RFC_REQUEST)
    assert base.decode() == (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n'
        '"@authority": example.com\n'
        '"content-type": application/json\n'
        f'"@signature-params": {RFC_PARAMETERS}'
    )
    assert make_mac(RFC_SECRET, base) == RFC_MAC


def test_the_components_of_the_rfc_have_its_values() -> None:
    assert RFC_REQUEST.value_of("@method") == "POST"
    assert RFC_REQUEST.value_of("@path") == "/foo"
    assert RFC_REQUEST.value_of("@query") == "?param=Value&Pet=dog"
    assert RFC_REQUEST.value_of("@target-uri") == "https://example.com/foo?param=Value&Pet=dog"
    assert RFC_REQUEST.value_of("@request-target") == "/foo?param=Value&Pet=dog"
    assert RFC_REQUEST.value_of("@scheme") == "https"
    assert replace(RFC_REQUEST, query="").value_of("@query") == "?"
    on_default_port = replace(RFC_REQUEST, authority="EXAMPLE.com:443")
    assert on_default_port.value_of("@authority") == "example.com"


def test_the_digest_of_a_body_is_that_of_rfc_9530() -> None:
    # Appendix B.1's body, and its SHA-256.
    assert (
        content_digest(b'{"hello": "world"}\n')
        == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"
    )


def test_a_whole_signature_passes() -> None:
    assert passes(ASKED, f"pos={PARAMETERS}", signature_over(ASKED))


def test_the_target_uri_stands_for_path_and_query() -> None:
    parameters = PARAMETERS.replace('"@path" "@query"', '"@target-uri"')
    assert passes(ASKED, f"pos={parameters}", signature_over(ASKED, parameters))


@pytest.mark.parametrize(
    "altered",
    [
        replace(ASKED, method="PUT"),
        replace(ASKED, path="/api/v1/quotes"),
        replace(ASKED, query="a=1"),
        replace(ASKED, body=BODY.replace(b"1", b"2")),
        replace(ASKED, body=b""),
        replace(ASKED, headers={}),
        replace(ASKED, headers={"content-digest": content_digest(b"another")}),
        replace(ASKED, headers={"content-digest": "sha-512=:AAAA:"}),
    ],
)
def test_no_altered_request_passes(altered: Asked) -> None:
    assert not passes(altered, f"pos={PARAMETERS}", signature_over(ASKED))


@pytest.mark.parametrize("missing", COMPONENTS)
def test_a_signature_that_leaves_a_part_of_the_request_out_does_not_pass(missing: str) -> None:
    left = " ".join(f'"{name}"' for name in COMPONENTS if name != missing)
    parameters = f"({left}){PARAMETERS[PARAMETERS.index(';') :]}"
    assert not passes(ASKED, f"pos={parameters}", signature_over(ASKED, parameters))


@pytest.mark.parametrize(
    "name", ["created", "keyid", "nonce", "alg", "pos_1", "0123", "1795227304"]
)
def test_no_altered_parameter_passes(name: str) -> None:
    altered = PARAMETERS.replace(name, name[:-1] + ("0" if name[-1].isdigit() else "x"))
    assert altered != PARAMETERS
    assert not passes(ASKED, f"pos={altered}", signature_over(ASKED))


@pytest.mark.parametrize(
    "signature_input",
    [
        "",
        "pos",
        "pos=()",
        "pos=();created=1",
        PARAMETERS,
        f"pos={PARAMETERS}, other={PARAMETERS}",
        f'pos={PARAMETERS};nonce="0123456789abcdef"',
        f"pos={PARAMETERS}".replace('"@method"', '"@method";req'),
        f"pos={PARAMETERS}".replace('"@method"', '"@method" "@method"'),
        f"pos={PARAMETERS}".replace("created=1795227304", 'created="1795227304"'),
        f"pos={PARAMETERS}".replace("created=1795227304", "created=-1"),
        f"pos={PARAMETERS}".replace('keyid="pos_1"', "keyid=1"),
        f"pos={PARAMETERS}".replace('nonce="0123456789abcdef"', 'nonce="short"'),
        f"pos={PARAMETERS}".replace('"hmac-sha256"', '"rsa-pss-sha512"'),
        f"pos={PARAMETERS}".replace('"@path"', '"@status"'),
        f"pos={PARAMETERS}".replace('"@path"', '"x-not-there"'),
        f"pos={PARAMETERS}" + ' "' * 2_000,
        "pos=" + '("a"' * 200,
    ],
)
def test_what_is_not_of_this_scheme_is_only_refused(signature_input: str) -> None:
    assert not passes(ASKED, signature_input, signature_over(ASKED))


@pytest.mark.parametrize(
    "signature",
    ["", "pos", "pos=::", "pos=:AAAA:", "sig=:" + "A" * 43 + "=:", "pos=:" + "é" * 43 + "=:"],
)
def test_a_malformed_signature_is_only_refused(signature: str) -> None:
    assert not passes(ASKED, f"pos={PARAMETERS}", signature)


@given(st.text(string.printable, max_size=300), st.text(string.printable, max_size=80))
def test_any_text_in_the_headers_breaks_nothing(signature_input: str, signature: str) -> None:
    assert not passes(ASKED, signature_input, signature)
