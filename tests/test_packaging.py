"""What the package declares is what requirements.txt lists."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def required():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return [line for line in lines if line]


def test_the_package_and_requirements_txt_name_the_same_libraries():
    extras = PROJECT["optional-dependencies"]
    assert sorted([*PROJECT["dependencies"], *extras["app"], *extras["test"]]) == sorted(required())


def test_the_app_and_the_tests_are_extras():
    assert [name.partition(">")[0] for name in PROJECT["optional-dependencies"]["app"]] == ["streamlit"]
    assert not any(name.startswith(("streamlit", "pytest", "ruff")) for name in PROJECT["dependencies"])
