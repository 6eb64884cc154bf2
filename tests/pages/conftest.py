"""Pages run in Streamlit's own test harness, with a data folder of their own and no engine."""

import pytest
import streamlit as st


@pytest.fixture(autouse=True)
def quiet_home(tmp_path, monkeypatch):
    monkeypatch.setenv("FORECASTING_HOME", str(tmp_path))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr("forecasting.runs.launcher.ensure_engine", lambda: None)
    monkeypatch.setattr("pages.components.engine._make_ready", lambda: None)  # its timer may outlive the test
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()
