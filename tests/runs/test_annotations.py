import pytest

from forecasting.errors import RunError
from forecasting.runs.annotations import (
    MOST_TAGS,
    NAME_LENGTH,
    NOTE_LENGTH,
    TAG_LENGTH,
    clean_name,
    clean_note,
    clean_tags,
)
from forecasting.runs.ledger import RunLedger
from forecasting.runs.records import MOST_LOSSES
from forecasting.runs.store import RunStore
from tests.runs.laboratory import finished_run


@pytest.fixture(scope="module")
def ledger(home):
    return RunLedger()


@pytest.fixture(scope="module")
def run_id(ledger, history, tiny):
    return finished_run(ledger, history, tiny)


def test_what_is_written_about_a_run_is_read_by_other_stores(home, run_id):
    store = RunStore()
    run = store.annotate(run_id, name="Second try", starred=True, tags=["slow", "big"], note="Better.\nBut why?")
    assert (run.name, run.starred, run.tags, run.note) == ("Second try", True, ("slow", "big"), "Better.\nBut why?")
    assert RunStore().get(run_id) == run
    assert next(one for one in RunStore().list() if one.id == run_id) == run
    run = store.annotate(run_id, starred=False)  # what is not named stays
    assert (run.name, run.starred, run.tags, run.note) == ("Second try", False, ("slow", "big"), "Better.\nBut why?")
    run = store.annotate(run_id, name="", tags=[], note="")
    assert (run.name, run.tags, run.note) == (run.series, (), "")


def test_name_and_note_are_where_mlflows_own_pages_show_them(home, run_id):
    store = RunStore()
    store.annotate(run_id, name="Third try", note="See there.")
    found = store._tracking.call("get_run", run_id)
    assert found.info.run_name == "Third try"
    assert found.data.tags["mlflow.note.content"] == "See there."


def test_a_run_can_be_written_about_while_it_waits(home, ledger, history, tiny):
    run_id = ledger.create(history, tiny)
    assert RunStore().annotate(run_id, note="Soon").note == "Soon"
    ledger.end(run_id, "stopped")
    assert ledger.get(run_id).note == "Soon"


def test_texts_of_strangers_are_bounded_and_stand_on_their_lines():
    assert clean_name("  a\n\tb\u202e\x00 c ") == "a b c"
    assert clean_note(" first \r\n\u200bsecond\x07 ") == "first\nsecond"
    assert clean_tags(["a, b", " a ", "", ",", "c\nd"]) == ("a", "b", "c d")


@pytest.mark.parametrize(("clean", "text"), [
    (clean_name, "x" * (NAME_LENGTH + 1)), (clean_note, "x" * (NOTE_LENGTH + 1)), (clean_tags, ["x" * (TAG_LENGTH + 1)]),
    (clean_tags, [str(i) for i in range(MOST_TAGS + 1)])])
def test_what_is_too_long_is_refused_with_a_sentence(clean, text):
    with pytest.raises(RunError, match="at most"):
        clean(text)


def test_nothing_is_written_where_a_part_is_refused(home, run_id):
    store = RunStore()
    before = store.get(run_id)
    with pytest.raises(RunError):
        store.annotate(run_id, name="Fourth", starred=not before.starred, note="x" * 3000)
    assert RunStore().get(run_id) == before


def test_the_curve_of_an_ended_run_is_kept_thinned_with_its_ends(home, ledger, history, tiny):
    losses = [float(100 - i) for i in range(100)]
    run = ledger.get(finished_run(ledger, history, tiny, losses=losses))
    assert len(run.losses) == MOST_LOSSES
    assert (run.losses[0], run.losses[-1]) == (100.0, 1.0)
    assert list(run.losses) == sorted(run.losses, reverse=True)
    short = ledger.get(finished_run(ledger, history, tiny, losses=[2.0, float("nan"), 0.123456]))
    assert short.losses == (2.0, 0.1235)
    assert ledger.get(finished_run(ledger, history, tiny, losses=[])).losses == ()
    assert next(one for one in RunStore().list(limit=1000) if one.id == run.id).losses == run.losses
