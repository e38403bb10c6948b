"""The examples and vectors of docs/examples are right: each says what this service says."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from merchants import pos_vectors
from redemption import qr_vectors
from tests.factories.pos_client import POS, load_client

EXAMPLES = POS.parent
VECTORS: dict[str, Any] = json.loads((POS / "signature-vectors.json").read_text())
KEY_ID, _, SECRET = VECTORS["key"].partition(".")


@pytest.fixture(scope="module")
def client() -> ModuleType:
    """The Python example."""
    return load_client()


def told(lines: str) -> dict[str, str]:
    pairs = [line.split(": ", 1) for line in lines.splitlines() if ": " in line]
    return {name.lower(): value for name, value in pairs if name.lower() != "content-type"}


def test_the_vectors_of_signatures_are_those_this_service_makes() -> None:
    assert pos_vectors.make_vectors() == VECTORS


def test_the_document_shows_the_first_vector() -> None:
    document, first = (EXAMPLES.parent / "pos.md").read_text(), VECTORS["requests"][0]
    assert first["signature_base"] in document
    for name, value in first["headers"].items():
        assert f"{name.title()}: {value}\n" in document


def test_the_vectors_of_codes_are_those_this_service_reads() -> None:
    written = json.loads((EXAMPLES / "qr-vectors.json").read_text())
    assert qr_vectors.make_vectors() == written
    outcomes = {one["name"]: one.get("refused") for one in written["vectors"]}
    assert outcomes["level 2, shown now"] is None
    assert outcomes["level 2, one bit of the counter turned over"] == "code-not-recognised"
    assert outcomes["level 1, signed ten minutes ago"] == "expired-token"


@pytest.mark.parametrize("vector", VECTORS["requests"])
def test_the_python_client_signs_as_the_vectors_say(
    client: ModuleType, vector: dict[str, Any]
) -> None:
    headers = client.sign(
        KEY_ID,
        SECRET.encode(),
        vector["method"],
        vector["url"],
        vector["body"].encode(),
        created_s=vector["created"],
        nonce=vector["nonce"],
    )
    assert {name.lower(): value for name, value in headers.items()} == vector["headers"]


def test_the_python_client_knows_a_genuine_webhook(client: ModuleType) -> None:
    webhook, now_s = VECTORS["webhook"], VECTORS["requests"][0]["created"]
    headers, body = webhook["headers"], webhook["body"].encode()
    for secret in webhook["secrets"]:
        assert client.is_genuine_webhook([secret], headers, body, now_s=now_s)
        assert not client.is_genuine_webhook([secret], headers, body + b" ", now_s=now_s)
        assert not client.is_genuine_webhook([secret], headers, body, now_s=now_s + 301)
    assert not client.is_genuine_webhook(webhook["secrets"], {}, body, now_s=now_s)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl on this machine")
@pytest.mark.parametrize("vector", VECTORS["requests"])
def test_the_shell_client_signs_as_the_vectors_say(vector: dict[str, Any]) -> None:
    fixed = {
        "COUPON_POS_KEY": VECTORS["key"],
        "COUPON_POS_CREATED": str(vector["created"]),
        "COUPON_POS_NONCE": vector["nonce"],
        "COUPON_POS_DRY": "1",
    }
    printed = subprocess.run(
        [POS / "coupon-pos.sh", vector["method"], vector["url"], vector["body"]],
        env=os.environ | fixed,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert told(printed) == vector["headers"]


JAVA_CHECK = """
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Scanner;

public final class Check {
    public static void main(String[] args) throws Exception {
        CouponPos pos = new CouponPos(args[0]);
        Scanner lines = new Scanner(System.in, StandardCharsets.UTF_8);
        while (lines.hasNextLine()) {
            String[] of = lines.nextLine().split("\\t", -1);
            byte[] body = of[3].getBytes(StandardCharsets.UTF_8);
            if (of[0].equals("request")) {
                pos.sign(of[1], URI.create(of[2]), body, Long.parseLong(of[4]), of[5])
                    .forEach((name, value) -> System.out.println(name + ": " + value));
            } else {
                System.out.println(CouponPos.isGenuineWebhook(List.of(of[4].split(" ")), of[0],
                    of[1], of[2], body, Long.parseLong(of[1])));
            }
            System.out.println();
        }
    }
}
"""


@pytest.mark.skipif(shutil.which("javac") is None, reason="no Java on this machine")
def test_the_java_client_signs_and_verifies_as_the_vectors_say(tmp_path: Path) -> None:
    check, webhook = tmp_path / "Check.java", VECTORS["webhook"]
    check.write_text(JAVA_CHECK)
    lines = [
        ["request", one["method"], one["url"], one["body"], str(one["created"]), one["nonce"]]
        for one in VECTORS["requests"]
    ]
    headers = [webhook["headers"][f"webhook-{name}"] for name in ("id", "timestamp", "signature")]
    for secret in webhook["secrets"]:
        lines += [[*headers, webhook["body"] + end, secret] for end in ("", " ")]
    sources = [str(POS / "CouponPos.java"), str(check)]
    subprocess.run(["javac", "-encoding", "UTF-8", "-d", str(tmp_path), *sources], check=True)
    printed = subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-cp", str(tmp_path), "Check", VECTORS["key"]],
        input="\n".join("\t".join(line) for line in lines),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    *signed, first, altered, second, altered_too = printed.strip().split("\n\n")
    assert [told(one) for one in signed] == [one["headers"] for one in VECTORS["requests"]]
    assert [first, altered, second, altered_too] == ["true", "false", "true", "false"]
