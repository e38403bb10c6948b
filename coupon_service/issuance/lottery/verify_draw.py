#!/usr/bin/env python3
"""Check a published lottery draw: the commitment, the seed, the order, and who won.

    python3 verify_draw.py result.jsonl.gz
    python3 verify_draw.py result.jsonl.gz --root HEX --leaf HEX

Needs Python 3.11 and nothing else: no database, no network, no other file of the service. What it
computes is described byte by byte in docs/lottery.md; the service draws with these very formulas.
Exit code 0: everything matches. 1: something does not, and is named. 2: the file cannot be read.
"""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice, pairwise
from typing import Any

ALGORITHM = "coupon-lottery/1"
SEED_DOMAIN = b"coupon-lottery/1/seed"
NODE_PREFIX = b"\x01"
LOT_PREFIX = b"\x02"
FAULTS_SHOWN = 10
FAULTS_MAX = 100
# drand's public chains: seconds since 1970 of round 1, and seconds from one round to the next.
DRAND_CHAINS = {
    "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971": (1_692_803_367, 3),
}
# How many numbers a game of the welfare lottery draws, out of how many; then the special number.
WELFARE_GAMES = {"ssq": (6, 33, 16), "kl8": (20, 80, 0)}


# The header, then the leaf, the rank and the outcome (1: won) of each entry in the file's order.
Result = tuple[dict[str, Any], list[bytes], list[int], list[int]]


class UnreadableError(Exception):
    """The file is not a published draw."""


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node of the tree of RFC 6962."""
    return sha256(NODE_PREFIX + left + right).digest()


def merkle_root(hashes: Sequence[bytes]) -> bytes:
    """The root of the tree of RFC 6962 over these hashes of leaves, in their order."""
    if not hashes:
        return sha256(b"").digest()
    level = list(hashes)
    while len(level) > 1:
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level = above
    return level[0]


def randomness_of(source: Mapping[str, Any], evidence: Mapping[str, Any]) -> bytes:
    """The public randomness: bytes that nobody could know before the seed's source had them.

    Raises ValueError if the evidence does not fit the source that was announced.
    """
    kind = source["kind"]
    if kind == "drand":
        if evidence["round"] != source["round"]:
            raise ValueError(f"round {evidence['round']} is not the announced {source['round']}")
        return sha256(bytes.fromhex(evidence["signature"])).digest()
    if kind == "welfare_lottery":
        numbers = welfare_numbers(source["game"], evidence["numbers"])
        digits = " ".join(f"{number:02d}" for number in numbers)
        return f"{source['game']} {source['number']} {digits}".encode("ascii")
    if kind == "file":
        return bytes.fromhex(evidence["bytes"])
    raise ValueError(f"unknown kind of source: {kind}")


def welfare_numbers(game: str, numbers: Sequence[int]) -> list[int]:
    """The drawn numbers in their one form: ascending, the special number last.

    Raises ValueError if the game does not draw such numbers.
    """
    count, highest, special = WELFARE_GAMES[game]
    main, rest = sorted(numbers[:count]), list(numbers[count:])
    fits = (
        len(set(main)) == count
        and main[0] >= 1
        and main[-1] <= highest
        and len(rest) == (1 if special else 0)
        and all(1 <= number <= special for number in rest)
    )
    if not fits:
        raise ValueError(f"these are not numbers of {game}")
    return main + rest


def seed_of(announcement: str, root: bytes, randomness: bytes) -> bytes:
    """SHA-256(domain || SHA-256(announcement) || root || randomness)."""
    return sha256(SEED_DOMAIN + sha256(announcement.encode()).digest() + root + randomness).digest()


def lot_of(seed: bytes, leaf: bytes) -> bytes:
    """An entry's lot. The lowest lot is drawn first."""
    return sha256(LOT_PREFIX + seed + leaf).digest()


def read_result(path: str) -> Result:
    """The published file.

    Raises UnreadableError if it is none.
    """
    try:
        with gzip.open(path, "rt", encoding="ascii") as lines:
            header = json.loads(next(lines))
            if header.get("format") != ALGORITHM:
                raise UnreadableError(f"not a file of {ALGORITHM}")
            leaves: list[bytes] = []
            ranks: list[int] = []
            wins: list[int] = []
            for line in lines:
                leaf, rank, won = json.loads(line)
                leaves.append(bytes.fromhex(leaf))
                ranks.append(rank)
                wins.append(won)
    except (OSError, EOFError, StopIteration, ValueError, TypeError, AttributeError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error
    return header, leaves, ranks, wins


def faults_of(result: Result) -> Iterator[str]:
    """Everything that does not match, one sentence each."""
    header, leaves, ranks, wins = result
    try:
        announced = json.loads(header["announcement"])
        yield from _timing_faults(header, announced)
        yield from _leaf_faults(header, leaves)
        root = merkle_root(leaves)
        if root.hex() != header["root"]:
            yield f"root: the leaves make {root.hex()}, the file says {header['root']}"
        try:
            randomness = randomness_of(announced["seed_source"], header["evidence"])
        except (ValueError, KeyError, TypeError) as error:
            yield f"evidence: {error}"
            return
        published_root = bytes.fromhex(header["root"])
        seed = seed_of(header["announcement"], published_root, randomness)
        if seed.hex() != header["seed"]:
            yield f"seed: the evidence makes {seed.hex()}, the file says {header['seed']}"
        yield from _rank_faults(bytes.fromhex(header["seed"]), leaves, ranks)
        yield from _winner_faults(header, announced, ranks, wins)
    except (KeyError, ValueError, TypeError) as error:
        yield f"header: {type(error).__name__}: {error}"


def _timing_faults(header: Mapping[str, Any], announced: Mapping[str, Any]) -> Iterator[str]:
    if announced["algorithm"] != ALGORITHM:
        yield f"algorithm: {announced['algorithm']} is not {ALGORITHM}"
    available, closed = _time(announced["seed_available_at"]), _time(header["closed_at"])
    if not _time(announced["entries_close_at"]) <= closed < available:
        yield "times: the entries were not closed between their end and the seed's coming"
    source = announced["seed_source"]
    if source["kind"] == "drand":
        if source["chain"] not in DRAND_CHAINS:
            yield f"source: unknown drand chain {source['chain']}"
            return
        genesis_s, period_s = DRAND_CHAINS[source["chain"]]
        born = datetime.fromtimestamp(genesis_s, UTC)
        if born + timedelta(seconds=period_s * (source["round"] - 1)) != available:
            yield f"source: round {source['round']} does not come at {available.isoformat()}"


def _leaf_faults(header: Mapping[str, Any], leaves: Sequence[bytes]) -> Iterator[str]:
    if len(leaves) != header["entries"]:
        yield f"entries: {len(leaves)} lines, the file says {header['entries']}"
    for line, (before, leaf) in enumerate(pairwise(leaves), start=3):
        if len(leaf) != 32 or leaf <= before:
            yield f"line {line}: leaf {leaf.hex()} is out of order, repeated or no SHA-256"


def _rank_faults(seed: bytes, leaves: Sequence[bytes], ranks: Sequence[int]) -> Iterator[str]:
    lots = [lot_of(seed, leaf) for leaf in leaves]
    order = sorted(range(len(leaves)), key=lots.__getitem__)
    expected = [0] * len(leaves)
    for rank, index in enumerate(order, start=1):
        expected[index] = rank
    for line, (leaf, due, given) in enumerate(zip(leaves, expected, ranks, strict=True), start=2):
        if due != given:
            yield f"line {line}: leaf {leaf.hex()} has rank {due}, the file says {given}"


def _winner_faults(
    header: Mapping[str, Any],
    announced: Mapping[str, Any],
    ranks: Sequence[int],
    wins: Sequence[int],
) -> Iterator[str]:
    """Whoever has one of the first ranks wins; where one is passed over, the next moves up."""
    passed_over = {row["rank"] for row in header["passed_over"]}
    left, winners = announced["quantity"], set()
    for rank in range(1, len(ranks) + 1):
        if left and rank not in passed_over:
            winners.add(rank)
            left -= 1
    if len(winners) != header["winners"]:
        yield f"winners: there are {len(winners)}, the file says {header['winners']}"
    for line, (rank, won) in enumerate(zip(ranks, wins, strict=True), start=2):
        if won != int(rank in winners):
            outcome = "wins" if rank in winners else "does not win"
            yield f"line {line}: rank {rank} {outcome}, the file says otherwise"


def _time(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Check one file and say what was found; returns the exit code."""
    parser = argparse.ArgumentParser(description="Check a published lottery draw.")
    parser.add_argument("file", help="the published result, .jsonl.gz")
    parser.add_argument("--root", help="the root you noted when the entries were closed")
    parser.add_argument("--announcement", help="the SHA-256 of the announcement you noted")
    parser.add_argument("--leaf", help="the leaf of your own entry: says its rank and outcome")
    asked = parser.parse_args(arguments)
    try:
        result = read_result(asked.file)
    except UnreadableError as error:
        print(f"UNREADABLE  {error}")
        return 2
    header, leaves, ranks, wins = result
    faults = list(islice(faults_of(result), FAULTS_MAX))
    announced = sha256(str(header.get("announcement")).encode()).hexdigest()
    for name, noted, found in (
        ("root", asked.root, header.get("root")),
        ("announcement", asked.announcement, announced),
    ):
        if noted and noted.lower() != found:
            faults.append(f"{name}: you noted {noted}, the file has {found}")
    mine = None
    if asked.leaf:
        mine = next((i for i, leaf in enumerate(leaves) if leaf.hex() == asked.leaf.lower()), None)
        if mine is None:
            faults.append(f"leaf: {asked.leaf} is not among the entries")
    for fault in faults[:FAULTS_SHOWN]:
        print(f"WRONG  {fault}")
    if len(faults) > FAULTS_SHOWN:
        print("WRONG  and more")
    if mine is not None:
        print(f"Your entry: rank {ranks[mine]}, {'won' if wins[mine] else 'not drawn'}.")
    if faults:
        return 1
    print(f"announcement  {announced}")
    print(f"root          {header['root']}")
    print(f"evidence      {json.dumps(header['evidence'], sort_keys=True)}")
    print(f"seed          {header['seed']}")
    print(f"OK: {len(leaves)} entries, {header['winners']} winners; everything matches.")
    print(
        "What no file can prove: compare root and announcement with what was published before the"
    )
    print("seed existed, and the evidence with its source (a drand relay, the welfare lottery).")
    return 0


if __name__ == "__main__":
    sys.exit(main())
