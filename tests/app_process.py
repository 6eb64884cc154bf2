"""How the tests start processes of the app."""

import os


def as_shipped() -> dict[str, str]:
    """The environment of this process without what `tests/conftest.py` sets to compile in less time."""
    return {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
