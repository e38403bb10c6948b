"""Signed requests of point-of-sale systems: HTTP Message Signatures (RFC 9421), hmac-sha256.

A system signs what it asks for with the secret of its till's key:

    Content-Digest: sha-256=:<base64 of the body's SHA-256>:                          (RFC 9530)
    Signature-Input: pos=("@method" "@path" "@query" "content-digest");created=<Unix time>;\
keyid="pos_<id>";nonce="<random>";alg="hmac-sha256"
    Signature: pos=:<base64 of the HMAC-SHA256 over the signature base>:

Pure. What is read here is the strict core of Structured Fields (RFC 8941): one signature,
components without parameters, strings without escapes. Every library writes that, and the text that
was sent is then the text that was signed.
"""

import hmac
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import quote

ALGORITHM = "hmac-sha256"
# What a request's signature must cover. The body, if there is one, is covered by its digest.
METHOD = "@method"
DIGEST = "content-digest"
_ADDRESS = (frozenset({"@path", "@query"}), frozenset({"@target-uri"}))

_HEADER_CHARS_MAX = 1024
_COMPONENT = r'"(?:@[a-z-]{1,20}|[a-z0-9-]{1,40})"'
_PARAMETER = r';[a-z]{1,10}=(?:"[ !#-\[\]-~]{1,100}"|[0-9]{1,12})'
_LABEL = r"[a-z*][a-z0-9_.*-]{0,30}"
_INPUT = re.compile(rf"({_LABEL})=(\(({_COMPONENT}(?: {_COMPONENT})*)\)((?:{_PARAMETER})+))")
_SIGNATURE = re.compile(rf"({_LABEL})=:([A-Za-z0-9+/]{{43}}=):")
_DIGEST = re.compile(r"(?:^|,)[ \t]*sha-256=:([A-Za-z0-9+/]{43}=):[ \t]*(?:,|$)")
_NONCE = re.compile(r"[A-Za-z0-9+/=_-]{8,64}")
# Of a path, as RFC 3986 lets it stand unescaped.
_PATH_SAFE = "/:@!$&'()*+,;=-._~"
_DEFAULT_PORTS = {"https": ":443", "http": ":80"}


class MalformedSignatureError(Exception):
    """The headers are not a signature of this scheme, or do not cover what they must."""


@dataclass(frozen=True)
class Asked:
    """A request as it arrived. `headers` has small letters for names; `query` no question mark."""

    method: str
    scheme: str
    authority: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def value_of(self, component: str) -> str:
        """The value of a component (RFC 9421, section 2).

        Raises:
            MalformedSignatureError: no such component, or the request lacks the header.
        """
        path = quote(self.path, safe=_PATH_SAFE)
        authority = self.authority.lower().removesuffix(_DEFAULT_PORTS.get(self.scheme, ":"))
        tail = f"?{self.query}" if self.query else ""
        match component:
            case "@method":
                return self.method.upper()
            case "@authority":
                return authority
            case "@scheme":
                return self.scheme
            case "@path":
                return path
            case "@query":
                return tail or "?"
            case "@request-target":
                return path + tail
            case "@target-uri":
                return f"{self.scheme}://{authority}{path}{tail}"
        value = self.headers.get(component)
        if value is None:
            raise MalformedSignatureError
        return value.strip(" \t")


@dataclass(frozen=True)
class RequestSignature:
    """What a request's headers claim. Nothing is verified yet.

    Attributes:
        parameters: the components and parameters, as they were sent and signed.
        created_s, expires_s: Unix time.
    """

    components: tuple[str, ...]
    parameters: str
    key_id: str
    created_s: int
    expires_s: int | None
    nonce: str
    mac: bytes


def read_signature(signature_input: str, signature: str) -> RequestSignature:
    """Read both headers.

    Raises:
        MalformedSignatureError: anything is missing, doubled or not of this scheme.
    """
    if max(len(signature_input), len(signature)) > _HEADER_CHARS_MAX:
        raise MalformedSignatureError
    given, sent = _INPUT.fullmatch(signature_input), _SIGNATURE.fullmatch(signature)
    if given is None or sent is None or given[1] != sent[1]:
        raise MalformedSignatureError
    components = tuple(name.strip('"') for name in given[3].split(" "))
    pairs = [pair.split("=", 1) for pair in _parameters(given[4])]
    values = dict(pairs)
    if len(values) < len(pairs) or len(set(components)) < len(components):
        raise MalformedSignatureError
    try:
        return RequestSignature(
            components=components,
            parameters=given[2],
            key_id=_text(values["keyid"]),
            created_s=int(values["created"]),
            expires_s=int(values["expires"]) if "expires" in values else None,
            nonce=_checked(_text(values["nonce"]), values.get("alg")),
            mac=b64decode(sent[2]),
        )
    except (KeyError, ValueError):
        raise MalformedSignatureError from None


def covers_request(signature: RequestSignature, asked: Asked) -> bool:
    """Whether what was signed is all of the request: method, address, and body if there is one."""
    covered = set(signature.components)
    return (
        METHOD in covered
        and any(parts <= covered for parts in _ADDRESS)
        and (DIGEST in covered or not asked.body)
    )


def holds(signature: RequestSignature, secret: bytes, asked: Asked) -> bool:
    """Whether the secret's owner signed this very request; takes the same time either way.

    Raises:
        MalformedSignatureError: a component that was signed is not in the request.
    """
    base = signature_base(signature.components, signature.parameters, asked)
    is_signed = hmac.compare_digest(make_mac(secret, base), signature.mac)
    return is_signed and _digest_fits(asked)


def signature_base(components: tuple[str, ...], parameters: str, asked: Asked) -> bytes:
    """What is signed (RFC 9421, section 2.5).

    Raises:
        MalformedSignatureError: a component is not in the request.
    """
    lines = [f'"{name}": {asked.value_of(name)}' for name in components]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()


def make_mac(secret: bytes, base: bytes) -> bytes:
    """HMAC-SHA256 of a signature base (RFC 9421, section 3.3.3)."""
    return hmac.digest(secret, base, sha256)


def content_digest(body: bytes) -> str:
    """The header `Content-Digest` of a body."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def _digest_fits(asked: Asked) -> bool:
    """Whether the body has the digest that was sent with it; without either there is no fault."""
    sent = asked.headers.get(DIGEST)
    if sent is None:
        return not asked.body
    found = _DIGEST.search(sent) if len(sent) <= _HEADER_CHARS_MAX else None
    return found is not None and hmac.compare_digest(
        b64decode(found[1]), sha256(asked.body).digest()
    )


def _parameters(text: str) -> list[str]:
    return [found[1:] for found in re.findall(_PARAMETER, text)]


def _text(value: str) -> str:
    """A string; the quotes tell it from a number."""
    if not value.startswith('"'):
        raise ValueError
    return value[1:-1]


def _checked(nonce: str, algorithm: str | None) -> str:
    if not _NONCE.fullmatch(nonce) or algorithm not in (None, f'"{ALGORITHM}"'):
        raise ValueError
    return nonce
