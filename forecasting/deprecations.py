"""Silences deprecation warnings of libraries that still call what pandas is about to remove."""

from __future__ import annotations

import warnings

__all__ = ["ignore_deprecations_in"]


def ignore_deprecations_in(package: str):
    """Ignores warnings about deprecated calls that `package` itself makes; all others are shown as before.

    pandas attributes a few of them to its own modules, to spare the users of its callers; these are ignored too.
    Call it before each use rather than once: yfinance sets filters of its own when it is imported, and test runners
    reset them. Setting the same filter again changes nothing.
    """
    for category in (DeprecationWarning, FutureWarning):
        for module in (package, r"pandas\.core"):
            warnings.filterwarnings("ignore", category=category, module=rf"{module}(\.|$)")
