"""The tree of RFC 6962 over a draw's entries, and the paths that prove one is among them.

The tree is kept in two storeys: entries in blocks of `BLOCK_LEAVES`, and the roots of the blocks. A
block is a whole subtree, so a path is one within the block and one among the blocks' roots, and
proving costs two thousand hashes however many entries there are.
"""

from collections.abc import Sequence
from hashlib import sha256

from coupon_service.issuance.lottery.verify_draw import merkle_root, node_hash

__all__ = ["BLOCK_LEAVES", "leaf_hash", "merkle_root", "node_hash", "path", "proves", "split"]

BLOCK_LEAVES = 1_024
HASH_BYTES = 32


def leaf_hash(salt: bytes, entry_id: bytes) -> bytes:
    """SHA-256(0x00 || salt || entry id), the leaf of RFC 6962 over 32 bytes nobody can guess."""
    return sha256(b"\x00" + salt + entry_id).digest()


def path(hashes: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path of RFC 6962, section 2.1.1, from the leaf up."""
    level, siblings = list(hashes), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            siblings.append(level[index ^ 1])
        above = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        if len(level) % 2:
            above.append(level[-1])
        level, index = above, index // 2
    return siblings


def proves(leaf: bytes, index: int, size: int, siblings: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf to the root (RFC 9162, section 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for sibling in siblings:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def split(joined: bytes) -> list[bytes]:
    """Hashes that were stored one after the other."""
    return [joined[at : at + HASH_BYTES] for at in range(0, len(joined), HASH_BYTES)]
