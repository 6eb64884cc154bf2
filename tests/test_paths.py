import pytest

from forecasting import StoreUnavailable
from forecasting.paths import home, write_atomically


def test_home_is_made_where_the_environment_says_and_for_its_owner_only(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path / "a" / "b"))
    assert home() == tmp_path / "a" / "b"
    assert home().stat().st_mode & 0o777 == 0o700


def test_a_home_that_cannot_be_made_is_an_error_that_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(StoreUnavailable, match="FORECASTING_HOME"):
        home()


def test_the_home_of_nobody_is_an_error_that_says_what_to_do(monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", "~nobody-of-this-name/prices")
    with pytest.raises(StoreUnavailable, match="FORECASTING_HOME"):
        home()


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "file"
    for data in (b"first", b"second"):
        write_atomically(path, data)
        assert path.read_bytes() == data
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    write_atomically(path, b"first")
    with pytest.raises(TypeError):
        write_atomically(path, "not bytes")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]
