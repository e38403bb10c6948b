"""The Python client of docs/examples/pos, as whoever copies it has it."""

import importlib.util
from pathlib import Path
from types import ModuleType

POS = Path(__file__).parents[2] / "docs" / "examples" / "pos"


def load_client() -> ModuleType:
    """A module of its own each time, so that a test may bend it."""
    spec = importlib.util.spec_from_file_location("coupon_pos", POS / "coupon_pos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
