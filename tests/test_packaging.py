"""What the package declares is what requirements.txt lists."""

import re
import tomllib
from pathlib import Path

import forecasting

ROOT = Path(__file__).parents[1]
PROJECT_FILE = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PROJECT_FILE["project"]


def required():
    lines = (line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines())
    return [line for line in lines if line]


def test_the_package_and_requirements_txt_name_the_same_libraries():
    extras = PROJECT["optional-dependencies"]
    assert sorted([*PROJECT["dependencies"], *extras["app"], *extras["test"]]) == sorted(required())


def test_files_beside_the_code_are_in_the_package():
    declared = PROJECT_FILE["tool"]["setuptools"]["package-data"]
    others = [path for path in (ROOT / "forecasting").rglob("*")
              if path.is_file() and path.suffix not in (".py", ".pyc")]
    assert {path.suffix for path in others} == {".csv", ".npz", ".toml"}
    for path in others:
        package = ".".join(path.parent.relative_to(ROOT).parts)
        assert any(path.match(pattern) for pattern in declared[package]), path


def test_the_app_and_the_tests_are_extras():
    assert [name.partition(">")[0] for name in PROJECT["optional-dependencies"]["app"]] == ["streamlit"]
    assert not any(name.startswith(("streamlit", "pytest", "ruff")) for name in PROJECT["dependencies"])


def test_the_wheel_holds_every_file_that_the_package_reads():
    patterns = PROJECT_FILE["tool"]["setuptools"]["package-data"]
    packed = {file for package, names in patterns.items() for name in names
              for file in (ROOT / package.replace(".", "/")).glob(name)}
    there = {file for file in (ROOT / "forecasting").rglob("*")
             if file.is_file() and file.suffix not in (".py", ".pyc") and "__pycache__" not in file.parts}
    assert there == packed


def test_the_version_stands_in_one_place():
    assert PROJECT["dynamic"] == ["version"]
    assert PROJECT_FILE["tool"]["setuptools"]["dynamic"]["version"]["attr"] == "forecasting.__version__"
    assert re.fullmatch(r"\d+\.\d+\.\d+", forecasting.__version__)
