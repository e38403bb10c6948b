import pytest
from hypothesis import given
from hypothesis import strategies as st

from coupon_service.residents.devices import Device, device_of

_WECHAT = (
    "Mozilla/5.0 (Linux; Android 13; M2102J20SG Build/TKQ1.221013.002; wv) AppleWebKit/537.36"
    " (KHTML, like Gecko) Version/4.0 Chrome/116.0 Mobile Safari/537.36 MicroMessenger/8.0.43"
)
_IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/17.1 Mobile/15E148 Safari/604.1"
)
_REDUCED = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/124.0.0.0 Mobile Safari/537.36"
)
_HARMONY = (
    "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1 Mobile HuaweiBrowser/5.0"
)
_EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0"
)


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (_WECHAT, Device("Android", "WeChat", "M2102J20SG")),
        (_IPHONE, Device("iPhone", "Safari", None)),
        (_REDUCED, Device("Android", "Chrome", None)),
        (_HARMONY, Device("HarmonyOS", "Huawei", None)),
        (_EDGE, Device("Windows", "Edge", None)),
        ("curl/8.0", Device(None, None, None)),
        ("", Device(None, None, None)),
    ],
)
def test_a_browser_is_told_by_its_own_names(user_agent: str, device: Device) -> None:
    assert device_of(user_agent) == device


@given(st.text(max_size=200))
def test_any_header_is_read(user_agent: str) -> None:
    assert device_of(user_agent) == device_of(user_agent)
