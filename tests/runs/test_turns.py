from forecasting.runs.turns import MEMORY, in_turn, served


def play(waiting, recent=()):
    """The owners in the order of their turns, one run at a time, as the engine takes them."""
    waiting, recent, order = list(waiting), list(recent), []
    while waiting:
        run_id = in_turn(waiting, recent)[0]
        owner = next(owner for name, owner, _ in waiting if name == run_id)
        waiting = [run for run in waiting if run[0] != run_id]
        recent = served(recent, owner)
        order.append(run_id)
    return order


def test_a_single_run_does_not_wait_behind_sixteen_of_somebody_else():
    waiting = [(f"a{i}", "anna", float(i)) for i in range(16)] + [("b0", "ben", 99.0)]
    assert in_turn(waiting, []).index("b0") == 1
    assert in_turn(waiting, ["anna"])[0] == "b0"


def test_the_oldest_run_of_an_owner_goes_first():
    assert in_turn([("late", "anna", 2.0), ("early", "anna", 1.0)], []) == ["early", "late"]


def test_owners_alternate_also_one_free_worker_at_a_time():
    waiting = [(f"{owner}{i}", owner, float(i)) for i in range(3) for owner in ("a", "b", "c")]
    assert [run[0] for run in play(waiting, ["c", "a", "b"])] == ["c", "a", "b"] * 3


def test_taking_one_at_a_time_keeps_the_order_that_was_announced():
    waiting = [("a0", "a", 0.0), ("a1", "a", 1.0), ("a2", "a", 2.0), ("b0", "b", 3.0), ("b1", "b", 4.0), ("c0", "c", 5.0)]
    for recent in ([], ["a"], ["c", "a"], ["b", "c", "a"]):
        assert play(waiting, recent) == in_turn(waiting, recent)


def test_who_was_served_longest_ago_goes_first():
    assert in_turn([("a0", "a", 0.0), ("b0", "b", 1.0)], ["b", "a"]) == ["b0", "a0"]


def test_an_empty_queue_has_no_order():
    assert in_turn([], ["a"]) == []


def test_memory_of_turns_is_bounded():
    recent = []
    for i in range(3 * MEMORY):
        recent = served(recent, str(i))
    assert len(recent) == MEMORY
    assert recent[-1] == str(3 * MEMORY - 1)
