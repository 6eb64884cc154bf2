from forecasting.model.listener import SILENT, Callbacks


def test_the_default_listener_ignores_everything_and_never_stops():
    assert SILENT.phase("training") is None
    assert SILENT.epoch(object()) is None
    assert SILENT.asked_to_stop() is False
    assert SILENT.backup is None


def test_callbacks_are_called_and_each_may_be_left_out():
    told = []
    listener = Callbacks(on_epoch=told.append, on_phase=told.append, should_stop=lambda: len(told) == 2, backup="a backup")
    assert not listener.asked_to_stop()
    listener.phase("training")
    listener.epoch("first epoch")
    assert told == ["training", "first epoch"]
    assert listener.asked_to_stop() is True
    assert listener.backup == "a backup"
    silent = Callbacks()
    silent.phase("training")
    silent.epoch("first epoch")
    assert silent.asked_to_stop() is False
