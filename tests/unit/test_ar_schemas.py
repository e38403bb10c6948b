"""What a provider may say, and what it may not."""

from typing import Any
from uuid import uuid4

import pytest
from pydantic import ValidationError

from redemption.ar.schemas import EVENT_TYPE, PresenceEvent, StartSessionBody


def event(**data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": "e1",
        "source": "/sim",
        "type": EVENT_TYPE,
        "data": {
            "session_id": str(uuid4()),
            "nonce": "n",
            "anchor_id": str(uuid4()),
            "lat": 39.9,
            "lon": 116.4,
            "confidence": 0.9,
            **data,
        },
    }


def test_whole_numbers_are_degrees_too() -> None:
    parsed = PresenceEvent.model_validate(event(lat=40, lon=116, confidence=1))
    assert (parsed.data.lat, parsed.data.confidence) == (40.0, 1.0)


@pytest.mark.parametrize(
    "data",
    [
        {"lat": 90.01},
        {"lat": "39.9"},
        {"lat": True},
        {"lat": None},
        {"lon": -180.5},
        {"lon": float("nan")},
        {"confidence": 1.01},
        {"confidence": -0.1},
        {"confidence": float("inf")},
        {"nonce": ""},
        {"nonce": "n" * 65},
        {"session_id": "1"},
        {"order_fen": 0},
        {"order_fen": -1},
        {"order_fen": 12.0},
        {"order_fen": "1200"},
        {"order_fen": 2**63},
        {"resident_id": str(uuid4())},
        {"face_fen": 100_000},
        {"voucher_id": str(uuid4())},
    ],
)
def test_a_presence_out_of_its_bounds_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PresenceEvent.model_validate(event(**data))


@pytest.mark.parametrize(
    "attributes",
    [
        {"specversion": "0.3"},
        {"specversion": 1.0},
        {"type": "something.else.v1"},
        {"id": ""},
        {"source": ""},
        {"source": "s" * 257},
        {"time": "2026-11-21T10:00:00"},
        {"datacontenttype": "text/xml"},
        {"data": None},
        {"data": []},
        {"data_base64": "e30="},
        {"unknownextension": "x"},
    ],
)
def test_an_envelope_out_of_its_bounds_is_refused(attributes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PresenceEvent.model_validate(event() | attributes)


def test_the_optional_attributes_of_cloudevents_are_taken() -> None:
    PresenceEvent.model_validate(
        event()
        | {
            "time": "2026-11-21T10:00:00+08:00",
            "subject": "lantern",
            "datacontenttype": "application/json",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        }
    )


def test_a_resident_cannot_say_where_they_are_or_who() -> None:
    for extra in ({"lat": 39.9}, {"resident_id": str(uuid4())}, {"outcome": "award"}):
        with pytest.raises(ValidationError):
            StartSessionBody.model_validate({"anchor_id": str(uuid4())} | extra)
