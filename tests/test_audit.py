"""What CI makes of pip-audit's report."""

import runpy
from pathlib import Path

import pytest

judge = runpy.run_path(str(Path(__file__).parents[1] / ".ci" / "audit"))["judge"]
SOUND = {"name": "sound", "version": "1.0", "vulns": []}
UNKNOWN = {"name": "unknown", "skip_reason": "Dependency not found on PyPI and could not be audited: unknown (1.0)"}
WEAK = {"name": "weak", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]}


@pytest.mark.parametrize(("libraries", "good", "said"), [
    ([SOUND, SOUND], True, "2 libraries audited, 0 known vulnerabilities"),
    ([SOUND, WEAK], False, "weak 1.0: PYSEC-2026-1, fixed in 1.1"),
    ([SOUND, UNKNOWN], False, "Not audited: unknown."),
    ([UNKNOWN, UNKNOWN], True, "NOT AUDITED"),
])
def test_a_vulnerability_fails_and_what_was_not_audited_is_said(libraries, good, said):
    lines, passed = judge({"dependencies": libraries})
    assert passed is good
    assert said in "\n".join(lines)
