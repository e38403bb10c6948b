from uuid import UUID

import pytest
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.core.personal import DATA_KEY_VERSION, KEY_VERSION, Vault

ONE, OTHER = UUID(int=1), UUID(int=2)
VAULT = Vault("a secret of this test, long enough to be one")


@given(st.text(max_size=60))
def test_what_is_sealed_under_a_persons_key_opens_with_it_alone(clear: str) -> None:
    sealed_key = VAULT.new_data_key(ONE)
    sealed = VAULT.data_key(ONE, sealed_key).seal_text("name", clear)
    assert sealed[0] == DATA_KEY_VERSION
    assert VAULT.data_key(ONE, sealed_key).open_text("name", sealed) == clear
    with pytest.raises(InvalidTag):
        VAULT.data_key(ONE, VAULT.new_data_key(ONE)).open_text("name", sealed)
    with pytest.raises(ValueError, match="another version"):
        VAULT.open_text("name", sealed)


def test_a_data_key_still_opens_what_the_deployment_sealed_before() -> None:
    sealed = VAULT.seal_text("name", "张三")
    assert sealed[0] == KEY_VERSION
    assert VAULT.data_key(ONE, VAULT.new_data_key(ONE)).open_text("name", sealed) == "张三"


def test_a_data_key_serves_nobody_else_and_no_other_field() -> None:
    sealed_key = VAULT.new_data_key(ONE)
    with pytest.raises(InvalidTag):
        VAULT.data_key(OTHER, sealed_key)
    sealed = VAULT.data_key(ONE, sealed_key).seal_text("phone", "13800138000")
    with pytest.raises(InvalidTag):
        VAULT.data_key(ONE, sealed_key).open_text("name", sealed)


def test_every_altered_byte_is_noticed() -> None:
    sealed_key = VAULT.new_data_key(ONE)
    key = VAULT.data_key(ONE, sealed_key)
    sealed = key.seal_text("name", "张三")
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        with pytest.raises((InvalidTag, ValueError)):
            key.open_text("name", bytes(altered))
