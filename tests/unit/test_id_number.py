from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.residents.errors import InvalidIdNumberError, InvalidNameError
from coupon_service.residents.id_number import check_character, mask_id_number, read_id_number
from coupon_service.residents.names import mask_name, mask_phone, normalise_name

TODAY = date(2022, 6, 18)
# The two examples of GB 11643-1999 itself.
STANDARD = ["11010519491231002X", "440524188001010014"]


@pytest.mark.parametrize("digits", STANDARD)
def test_the_examples_of_the_standard_are_valid(digits: str) -> None:
    assert read_id_number(digits, TODAY).digits == digits


def test_a_small_x_and_blanks_around_mean_the_same_number() -> None:
    assert read_id_number(" 11010519491231002x ", TODAY).digits == STANDARD[0]


def test_fifteen_digits_become_the_eighteen_of_the_same_person() -> None:
    assert read_id_number("110105491231002", TODAY) == read_id_number(STANDARD[0], TODAY)


def test_the_birthday_is_read_from_the_number() -> None:
    assert read_id_number(STANDARD[0], TODAY).born_on == date(1949, 12, 31)


@pytest.mark.parametrize(
    "typed",
    [
        "110105194912310021",  # check is X
        "11010519491231002",  # seventeen
        "1101051949123100X2",  # X in the middle
        "11010549123100X",  # X in fifteen
        "",
        "１１０１０５１９４９１２３１００２Ｘ",  # full-width digits
        "110105194912310٠2X",  # another script's zero
        "99" + "010519491231002",  # no such province, fifteen and two
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(InvalidIdNumberError):
        read_id_number(typed, TODAY)


@pytest.mark.parametrize(
    "body",
    [
        "11010519490230002",  # 30 February
        "11010519491331002",  # month 13
        "11010517991231002",  # 1799
        "10010519491231002",  # province 10
        "11010520220619002",  # born tomorrow
    ],
)
def test_a_correct_check_does_not_make_up_for_an_impossible_place_or_birthday(body: str) -> None:
    with pytest.raises(InvalidIdNumberError):
        read_id_number(body + check_character(body), TODAY)


def test_somebody_born_today_has_a_number() -> None:
    body = "11010520220618002"
    assert read_id_number(body + check_character(body), TODAY).born_on == TODAY


@given(
    born_on=st.dates(date(1900, 1, 1), TODAY),
    order=st.integers(0, 999),
    place=st.integers(0, 17),
    wrong=st.sampled_from("0123456789"),
)
def test_one_wrong_digit_is_always_noticed(
    born_on: date, order: int, place: int, wrong: str
) -> None:
    body = f"110102{born_on:%Y%m%d}{order:03d}"
    digits = body + check_character(body)
    assert read_id_number(digits, TODAY).born_on == born_on
    mistyped = digits[:place] + wrong + digits[place + 1 :]
    if mistyped != digits:
        with pytest.raises(InvalidIdNumberError):
            read_id_number(mistyped, TODAY)


@given(st.text(max_size=30))
def test_no_text_makes_the_reader_fail_in_another_way(typed: str) -> None:
    try:
        read_id_number(typed, TODAY)
    except InvalidIdNumberError:
        return


def test_masks_show_the_ends_only() -> None:
    assert mask_id_number(STANDARD[0]) == "1****************X"
    assert mask_phone("13800138000") == "138****8000"
    assert mask_name("张三丰") == "张**"
    assert mask_name("李四") == "李*"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (" 张三 ", "张三"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("JOHN  O'Neil-Smith Jr.", "JOHN O'Neil-Smith Jr."),
        ("Zoe\u0301", "Zoé"),
    ],
)
def test_one_name_has_one_spelling(typed: str, name: str) -> None:
    assert normalise_name(typed) == name


@pytest.mark.parametrize(
    "typed", ["张", "张3", "=1+1", "张\u202e三", "\u0000张三", "😀😀", "·张三", "名" * 41]
)
def test_what_is_no_name_is_refused(typed: str) -> None:
    with pytest.raises(InvalidNameError):
        normalise_name(typed)
