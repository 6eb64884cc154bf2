"""Pages run in Streamlit's own test harness, with a data folder of their own and no engine."""

from functools import cache

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def installed_components():
    """Each `AppTest` reads the description of every installed package, in search of components; here the first one does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cache(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(autouse=True)
def quiet_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("forecasting.runs.launcher.ensure_engine", lambda: None)
    monkeypatch.setattr("pages.components.engine._make_ready", lambda: None)  # its timer may outlive the test
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
