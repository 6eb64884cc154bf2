"""The order of the files: those that take longest first, so that none of them is left over at the end."""

LONGEST = ("test_processes.py", "test_settings_kept.py", "test_main_flow.py", "test_process.py", "test_training.py")


def pytest_collection_modifyitems(items):
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.name, len(LONGEST)))
