"""The tree of RFC 6962, against the published vectors of Certificate Transparency."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.issuance.lottery.merkle import (
    BLOCK_LEAVES,
    leaf_hash,
    merkle_root,
    path,
    proves,
    split,
)

INPUTS = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# The audit path of the first of eight leaves, from the same vectors.
FIRST_OF_EIGHT = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(number.to_bytes(16), bytes(16)) for number in range(count)]


def known_leaves(count: int) -> list[bytes]:
    return [sha256(b"\x00" + data).digest() for data in INPUTS[:count]]


@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_rfc_6962(size: int) -> None:
    assert merkle_root(known_leaves(size)).hex() == ROOTS[size]


def test_the_path_of_a_leaf_is_that_of_rfc_6962() -> None:
    assert [each.hex() for each in path(known_leaves(8), 0)] == FIRST_OF_EIGHT


@given(st.integers(1, 200), st.data())
def test_every_path_leads_to_the_root_and_to_no_other_place(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    hashes = leaves(size)
    root, siblings = merkle_root(hashes), path(hashes, index)
    assert proves(hashes[index], index, size, siblings, root)
    assert not proves(sha256(b"another").digest(), index, size, siblings, root)
    for other in {index - 1, index + 1, size} - {index}:
        assert not proves(hashes[index], other, size, siblings, root)
    if siblings:
        assert not proves(hashes[index], index, size, siblings[:-1], root)
        assert not proves(hashes[index], index, size, [*siblings, root], root)


@pytest.mark.parametrize("size", [1, BLOCK_LEAVES, BLOCK_LEAVES + 1, 3 * BLOCK_LEAVES + 700])
def test_a_path_by_way_of_the_blocks_is_the_path_of_the_whole_tree(size: int) -> None:
    hashes = leaves(size)
    blocks = [hashes[at : at + BLOCK_LEAVES] for at in range(0, size, BLOCK_LEAVES)]
    roots = split(b"".join(merkle_root(block) for block in blocks))
    assert merkle_root(roots) == merkle_root(hashes)
    for index in {0, size // 2, size - 1}:
        number, within = divmod(index, BLOCK_LEAVES)
        assert [*path(blocks[number], within), *path(roots, number)] == path(hashes, index)
