import pytest

from redemption.errors import (
    BelowThresholdError,
    CodeNotRecognisedError,
    VoucherExpiredError,
    VoucherUsedError,
)
from redemption.till.practice import PracticeCode, practise


def test_practice_answers_like_the_counter() -> None:
    assert practise(PracticeCode.GOOD, 80_00).customer_pays_fen == 60_00
    assert practise(" practice-good\n", 50_00).discount_fen == 20_00
    for code, order_fen, refusal in (
        (PracticeCode.GOOD, 49_99, BelowThresholdError),
        (PracticeCode.USED, 80_00, VoucherUsedError),
        (PracticeCode.EXPIRED, 80_00, VoucherExpiredError),
        ("PRACTICE", 80_00, CodeNotRecognisedError),
        ("", 80_00, CodeNotRecognisedError),
    ):
        with pytest.raises(refusal):
            practise(code, order_fen)
