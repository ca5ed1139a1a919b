"""Bars say which run and phase they are of."""

from plural_tasks.utils import progress


def test_a_bar_names_run_and_phase_and_what_was_done_before() -> None:
    with progress.run_named("2/8 vanilla"), progress.bar("scoring", 10, " tokens", done=4) as shown:
        shown.update(3)
        assert (shown.desc, shown.n, shown.total) == ("2/8 vanilla · scoring", 7, 10)
    with progress.bar("scoring", 10, " tokens") as shown:
        assert shown.desc == "scoring"


def test_speed_is_told_after_who_it_is_of(capsys) -> None:
    with progress.bar("messages", 2, " messages") as shown:
        shown.start_t -= 10  # ten seconds ago
        progress.tell_speed(shown, 1000, "left")
        assert shown.postfix in ("left, 100 tokens/s", "left, 99 tokens/s")
        progress.tell_speed(shown, 500)
        assert shown.postfix in ("50 tokens/s", "49 tokens/s")
    assert "messages" in capsys.readouterr().err


def test_one_that_is_not_shown_prints_nothing(capsys) -> None:
    with progress.bar("messages", 2, " messages", shown=False) as shown:
        shown.update()
        progress.tell_speed(shown, 3)
    assert capsys.readouterr().err == ""
