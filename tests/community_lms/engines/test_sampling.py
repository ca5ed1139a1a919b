from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from community_lms.pools.spec import Decoding


@pytest.fixture(scope="session", autouse=True)
def _imports() -> None:
    global torch, sampling, KeyedSampler, NO_INPUT
    import torch

    from community_lms.engines import sampling
    from community_lms.engines.sampling import KeyedSampler

    NO_INPUT = torch.zeros((1, 0), dtype=torch.long)


def keys(count: int) -> list[str]:
    return [hashlib.sha256(str(number).encode()).hexdigest() for number in range(count)]


def logs(*probabilities: float) -> list[float]:
    return [math.log(value) if value else -math.inf for value in probabilities]


def picks(sampler: KeyedSampler, scores: torch.Tensor) -> list[int]:
    """The tokens picked; all others must be impossible."""
    masked = sampler(NO_INPUT, scores)
    assert masked.shape == scores.shape
    assert torch.isfinite(masked).sum(dim=-1).tolist() == [1] * len(scores)
    return masked.argmax(dim=-1).tolist()


def draws(monkeypatch: pytest.MonkeyPatch, numbers: Sequence[float]) -> None:
    """Let the next messages draw these numbers in place of their keys'."""
    waiting = list(numbers)

    class Fixed:
        def random(self, size: int) -> np.ndarray:
            return np.full(size, waiting.pop(0))

    monkeypatch.setattr(sampling.np.random, "default_rng", lambda seed: Fixed())


# In the order of tokens: .2, .5, .3. By size: token 1 (.5), token 2 (.3), token 0 (.2).
THREE = logs(0.2, 0.5, 0.3)


@pytest.mark.parametrize(
    ("top_p", "number", "expected"),
    [
        # the smallest set that reaches .7 is {1, 2} with mass .8: token 1 up to .5/.8 = .625
        (0.7, 0.0, 1),
        (0.7, 0.624, 1),
        (0.7, 0.626, 2),
        (0.7, 0.999999, 2),
        # .5 reaches .45: token 1 alone
        (0.45, 0.0, 1),
        (0.45, 0.999999, 1),
        # all three: token 1 up to .5, token 2 up to .8, token 0 above
        (1.0, 0.499, 1),
        (1.0, 0.501, 2),
        (1.0, 0.799, 2),
        (1.0, 0.801, 0),
        (1.0, 0.999999, 0),
        # .5 + .3 = .8 does not reach .85
        (0.85, 0.999999, 0),
        (0.000001, 0.999999, 1),
    ],
)
def test_three_tokens(monkeypatch: pytest.MonkeyPatch, top_p: float, number: float, expected: int) -> None:
    draws(monkeypatch, [number])
    sampler = KeyedSampler(["0"], Decoding(top_p=top_p, max_new_tokens=1))

    assert picks(sampler, torch.tensor([THREE])) == [expected]


@pytest.mark.parametrize(
    ("temperature", "number", "expected"),
    [
        # p = .64, .36; at temperature 2 their roots .8, .6 count: 4/7 = .571, 3/7
        (2.0, 0.570, 0),
        (2.0, 0.573, 1),
        # at temperature .5 their squares .4096, .1296: .4096/.5392 = .7596
        (0.5, 0.759, 0),
        (0.5, 0.761, 1),
        (1.0, 0.639, 0),
        (1.0, 0.641, 1),
    ],
)
def test_temperature(monkeypatch: pytest.MonkeyPatch, temperature: float, number: float, expected: int) -> None:
    draws(monkeypatch, [number])
    sampler = KeyedSampler(["0"], Decoding(temperature=temperature, top_p=1.0, max_new_tokens=1))

    assert picks(sampler, torch.tensor([logs(0.64, 0.36)])) == [expected]


def test_scores_may_be_shifted_and_impossible(monkeypatch: pytest.MonkeyPatch) -> None:
    draws(monkeypatch, [0.626, 0.626])
    sampler = KeyedSampler(["0", "1"], Decoding(top_p=0.7, max_new_tokens=1))
    scores = torch.tensor([[*THREE, -math.inf], [*(value + 30 for value in THREE), -math.inf]])

    assert picks(sampler, scores) == [2, 2]


@pytest.mark.parametrize("precision", ["bfloat16", "float16", "float32"])
def test_half_precision_scores_are_masked_in_their_own_type(precision: str) -> None:
    dtype = getattr(torch, precision)
    masked = KeyedSampler(["a"], Decoding())(NO_INPUT, torch.tensor([THREE], dtype=dtype))

    assert masked.dtype == dtype


def test_the_numbers_are_those_of_the_key() -> None:
    # top-p 1 over 1,000 equal tokens: token number = floor(1000 u)
    key, steps = keys(1)[0], 6
    sampler = KeyedSampler([key], Decoding(top_p=1.0, max_new_tokens=steps))
    expected = np.random.default_rng(int(key, 16)).random(steps)

    found = [picks(sampler, torch.zeros((1, 1000)))[0] for _ in range(steps)]
    assert np.abs(np.array(found) / 1000 - expected).max() < 2e-3


def test_nothing_outside_the_nucleus_is_ever_picked() -> None:
    generator = torch.Generator().manual_seed(5)
    scores = torch.randn((400, 40), generator=generator) * 2
    sampler = KeyedSampler(keys(400), Decoding(top_p=0.6, max_new_tokens=1))

    ordered, tokens = torch.softmax(scores.double(), dim=-1).sort(dim=-1, descending=True)
    sizes = (ordered.cumsum(dim=-1) < 0.6).sum(dim=-1) + 1
    ranks = [tokens[row].tolist().index(pick) for row, pick in enumerate(picks(sampler, scores))]
    assert all(rank < size for rank, size in zip(ranks, sizes.tolist(), strict=True))
    # and the last token of a nucleus is reached
    assert any(rank == size - 1 > 0 for rank, size in zip(ranks, sizes.tolist(), strict=True))


@pytest.mark.parametrize(
    ("top_p", "expected"),
    [
        (1.0, [0.1, 0.4, 0.05, 0.25, 0.2]),
        # .4 + .25 + .2 = .85 reaches .8: tokens 1, 3, 4, renormalised
        (0.8, [0.0, 0.4 / 0.85, 0.0, 0.25 / 0.85, 0.2 / 0.85]),
    ],
)
def test_five_thousand_draws_follow_the_distribution(top_p: float, expected: list[float]) -> None:
    scores = torch.tensor([logs(0.1, 0.4, 0.05, 0.25, 0.2)]).repeat(5000, 1)
    counts = Counter(picks(KeyedSampler(keys(5000), Decoding(top_p=top_p, max_new_tokens=1)), scores))

    likely = [token for token in range(5) if expected[token]]
    assert sum(counts[token] for token in likely) == 5000
    squares = [(counts[token] - 5000 * expected[token]) ** 2 / (5000 * expected[token]) for token in likely]
    # the 99.9 % points of chi-square with 4 and with 2 degrees of freedom
    assert sum(squares) < {5: 18.467, 3: 13.816}[len(likely)]


def test_a_message_does_not_depend_on_the_others_in_the_batch() -> None:
    generator = torch.Generator().manual_seed(7)
    scores = [torch.randn((8, 60), generator=generator) * 3 for _ in range(5)]
    decoding, names = Decoding(max_new_tokens=5), keys(8)

    together = KeyedSampler(names, decoding)
    backwards = KeyedSampler(names[::-1], decoding)
    found = [picks(together, step) for step in scores]
    assert [picks(backwards, step.flip(0))[::-1] for step in scores] == found
    for row, name in enumerate(names):
        alone = KeyedSampler([name], decoding)
        assert [picks(alone, step[row : row + 1])[0] for step in scores] == [step[row] for step in found]


@pytest.mark.parametrize("top_p", [0.3, 0.9, 0.999, 1.0])
def test_the_head_gives_the_picks_of_a_full_sort(monkeypatch: pytest.MonkeyPatch, top_p: float) -> None:
    # rows from flat, whose nucleus reaches far beyond the head of 4, to peaked, whose nucleus is one token
    generator = torch.Generator().manual_seed(11)
    spread = torch.linspace(0.01, 8.0, 300)[:, None]
    scores = torch.randn((300, 50), generator=generator) * spread
    decoding = Decoding(top_p=top_p, max_new_tokens=1)

    monkeypatch.setattr(sampling, "_HEADS", ())
    full = picks(KeyedSampler(keys(300), decoding), scores)
    monkeypatch.setattr(sampling, "_HEADS", (4, 9))
    ranks = scores.argsort(dim=-1, descending=True).argsort(dim=-1)
    assert picks(KeyedSampler(keys(300), decoding), scores) == full
    # the case is a test only if picks lie on both sides of the head
    beyond = sum(int(ranks[row, token]) >= 4 for row, token in enumerate(full))
    assert 0 < beyond < 300


def test_a_flat_row_beyond_the_head_reaches_all_its_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "_HEADS", (4, 9))
    # 20 equal tokens: 10 of them reach .5, so the nucleus of .525 is 11
    found = picks(KeyedSampler(keys(500), Decoding(top_p=0.525, max_new_tokens=1)), torch.zeros((500, 20)))

    assert len(set(found)) == 11
