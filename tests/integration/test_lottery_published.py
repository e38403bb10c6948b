"""The published file, checked by the stand-alone script in a process of its own."""

import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from coupon_service.core.db import transaction
from coupon_service.core.resources import Resources
from coupon_service.issuance.lottery import verify_draw
from coupon_service.issuance.lottery.merkle import leaf_hash
from coupon_service.issuance.lottery.models import LotteryDraw, LotteryEntry
from tests.factories.lottery import (
    close_now,
    draw_now,
    enter_many,
    entries_by_rank,
    finish,
    make_lottery,
    ranks_of,
    whole_lottery,
)
from tests.invariants import assert_invariants

Lines = list[Any]


def check(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script as a stranger does: plain Python, isolated, far from this project."""
    script = path.parent / "verify_draw.py"
    script.write_bytes(Path(verify_draw.__file__).read_bytes())
    return subprocess.run(
        [sys.executable, "-I", "-S", str(script), str(path), *arguments],
        capture_output=True,
        text=True,
        cwd=path.parent,
        env={},
        check=False,
        timeout=60,
    )


@pytest.fixture
def published(held: Resources, client: FlaskClient, tmp_path: Path) -> Path:
    """The file of a draw with 300 entries and 40 winners, one of whom moved up."""
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=40)
        enter_many(session, release_id, 300)
    close_now(held, release_id)
    draw_now(held, release_id)
    with transaction(held.sessions) as session:
        first = ranks_of(session, release_id)[0]
        session.execute(
            text("UPDATE residents SET born_on = '2015-06-01' WHERE id = :id"),
            {"id": first.resident_id},
        )
    finish(held, release_id)
    assert_invariants(held)
    answer = client.get(f"/api/v1/lottery/{release_id}/result")
    assert answer.status_code == 200
    path = tmp_path / "result.jsonl.gz"
    path.write_bytes(answer.data)
    view = client.get(f"/api/v1/lottery/{release_id}").get_json()
    assert sha256(answer.data).hexdigest() == view["result_sha256"]
    return path


def alter(path: Path, change: Callable[[Lines], None]) -> Path:
    """A copy of the file with something changed."""
    lines = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(lines)
    altered = path.with_name("altered.jsonl.gz")
    altered.write_bytes(gzip.compress(b"\n".join(json.dumps(line).encode() for line in lines)))
    return altered


def test_the_published_file_convinces_a_stranger(published: Path, client: FlaskClient) -> None:
    found = check(published)
    assert (found.returncode, found.stderr) == (0, "")
    assert "OK: 300 entries, 40 winners" in found.stdout
    served = client.get("/api/v1/lottery/verify_draw.py")
    assert served.data == Path(verify_draw.__file__).read_bytes()


def test_who_noted_root_or_leaf_beforehand_can_compare(
    held: Resources, published: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with transaction(held.sessions) as session:
        draw = session.scalars(select(LotteryDraw)).one()
        entry = entries_by_rank(session, draw.release_id)[1]
        leaf, root = leaf_hash(entry.salt, entry.id.bytes).hex(), draw.merkle_root
    assert root is not None
    assert verify_draw.main([str(published), "--root", root.hex(), "--leaf", leaf]) == 0
    assert "rank 2, won" in capsys.readouterr().out
    assert verify_draw.main([str(published), "--root", "00" * 32]) == 1
    assert "root: you noted" in capsys.readouterr().out
    assert verify_draw.main([str(published), "--leaf", "ab" * 32]) == 1


def test_the_file_holds_nothing_of_anybody(held: Resources, published: Path) -> None:
    content = gzip.decompress(published.read_bytes()).decode()
    with transaction(held.sessions) as session:
        entries = session.scalars(select(LotteryEntry)).all()
    assert len(entries) == 300
    for entry in entries:
        assert leaf_hash(entry.salt, entry.id.bytes).hex() in content
        for secret in (entry.salt.hex(), entry.id.hex, entry.resident_id.hex):
            assert secret not in content
        assert str(entry.resident_id) not in content


def _flip(hexed: str) -> str:
    return f"{int(hexed[0], 16) ^ 1:x}{hexed[1:]}"


def _alter_leaf(lines: Lines) -> None:
    lines[100][0] = _flip(lines[100][0])


def _swap_ranks(lines: Lines) -> None:
    lines[5][1], lines[6][1] = lines[6][1], lines[5][1]


def _drop_leaf(lines: Lines) -> None:
    del lines[50]


def _drop_leaf_and_say_so(lines: Lines) -> None:
    del lines[50]
    lines[0]["entries"] -= 1


def _repeat_leaf(lines: Lines) -> None:
    lines.insert(50, lines[50])


def _other_seed(lines: Lines) -> None:
    lines[0]["seed"] = _flip(lines[0]["seed"])


def _other_evidence(lines: Lines) -> None:
    lines[0]["evidence"]["bytes"] = _flip(lines[0]["evidence"]["bytes"])


def _other_winner(lines: Lines) -> None:
    lost = next(line for line in lines[1:] if not line[2])
    lost[2] = 1


def _other_quantity(lines: Lines) -> None:
    announced = lines[0]["announcement"]
    lines[0]["announcement"] = announced.replace('"quantity":40', '"quantity":41')
    assert lines[0]["announcement"] != announced


def _passed_over_by_favour(lines: Lines) -> None:
    lines[0]["passed_over"].append({"rank": 7, "reason": "too-old"})


ALTERATIONS: dict[Callable[[Lines], None], str] = {
    _alter_leaf: "root: the leaves make",
    _swap_ranks: "has rank",
    _drop_leaf: "entries: 299 lines, the file says 300",
    _drop_leaf_and_say_so: "root: the leaves make",
    _repeat_leaf: "out of order, repeated",
    _other_seed: "seed: the evidence makes",
    _other_evidence: "seed: the evidence makes",
    _other_winner: "the file says otherwise",
    _other_quantity: "seed: the evidence makes",
    _passed_over_by_favour: "the file says otherwise",
}


def test_whatever_is_altered_is_named(published: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for change, said in ALTERATIONS.items():
        assert verify_draw.main([str(alter(published, change))]) == 1, change
        found = capsys.readouterr().out
        assert said in found, change
        assert "OK" not in found


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b'{"format":"x"}\n', mtime=0)])
def test_what_is_no_result_is_called_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "result.jsonl.gz"
    path.write_bytes(content)
    found = check(path)
    assert (found.returncode, found.stderr) == (2, "")
    assert found.stdout.startswith("UNREADABLE")


def test_a_hundred_thousand_entries_are_drawn_and_checked_in_seconds(
    held: Resources, client: FlaskClient, tmp_path: Path
) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session, quantity=100)
        enter_many(session, release_id, 100_000)
    started = time.process_time()
    close_now(held, release_id)
    draw_now(held, release_id)
    with transaction(held.sessions) as session:
        # Telling a hundred thousand people is not what this is about.
        session.get_one(LotteryDraw, release_id).told_rank = 100_000
    finish(held, release_id)
    assert time.process_time() - started < 10
    path = tmp_path / "result.jsonl.gz"
    path.write_bytes(client.get(f"/api/v1/lottery/{release_id}/result").data)
    found = check(path)
    assert "OK: 100000 entries, 100 winners" in found.stdout


def test_before_the_end_there_is_no_file(held: Resources, client: FlaskClient) -> None:
    with transaction(held.sessions) as session:
        release_id = make_lottery(session)
    answer = client.get(f"/api/v1/lottery/{release_id}/result")
    assert (answer.status_code, answer.get_json()["slug"]) == (404, "result-not-published")
    ended = whole_lottery(held, entries=2, quantity=1)
    assert client.get(f"/api/v1/lottery/{ended}/result").status_code == 200
