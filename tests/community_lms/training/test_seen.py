import random

from community_lms.training.seen import Seen, fingerprint


def test_it_is_a_set() -> None:
    chance = random.Random(0)
    keys = [chance.randrange(1, 2**64) for _ in range(5000)]
    seen = Seen()
    assert all(seen.add(key) for key in keys)
    assert not any(seen.add(key) for key in keys)
    assert len(seen) == 5000
    assert seen.forgotten == 0


def test_keys_of_one_slot_are_kept_apart() -> None:
    seen = Seen()
    keys = [1 + step * 2**32 for step in range(20)]  # all fall on slot 1
    assert all(seen.add(key) for key in keys)
    assert not any(seen.add(key) for key in keys)


def test_memory_is_bounded_and_forgetting_is_counted() -> None:
    seen = Seen(most=32)
    for key in range(1, 101):
        assert seen.add(key * 7919)
    # the young table becomes the old one at 16, 32, ... 96 texts; the six turns forget five tables of 16
    assert seen.forgotten == 80
    assert len(seen) == 20  # 100 - 80
    assert not any(seen.add(key * 7919) for key in range(81, 101))
    assert seen.add(80 * 7919)


def test_fingerprints_tell_where_a_text_ends() -> None:
    assert fingerprint("ab", "c") != fingerprint("a", "bc")
    assert fingerprint("ab", "c") == fingerprint("ab", "c") < 2**64
