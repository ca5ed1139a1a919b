"""Well-known answer scales: which option lists are certain to stand in an order of degree.

A list counts as ordered only when all its options are steps of one of the scales below, in order or in reverse. What is
in doubt is not: a middle answer printed last ("Better", "Worse", "About the same") spoils the order.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

_OPPOSITES = (
    ("agree", "disagree"),
    ("approve", "disapprove"),
    ("comfortable", "uncomfortable"),
    ("confident", "unconfident"),
    ("easy", "difficult"),
    ("easy", "hard"),
    ("favou?r", "oppose"),
    ("favou?rable", "unfavou?rable"),
    ("good", "bad"),
    ("happy", "unhappy"),
    ("important", "unimportant"),
    ("interested", "uninterested"),
    ("justified", "unjustified"),
    ("likely", "unlikely"),
    ("optimistic", "pessimistic"),
    ("positive", "negative"),
    ("positively", "negatively"),
    ("safe", "unsafe"),
    ("satisfied", "dissatisfied"),
    ("satisfied", "unsatisfied"),
    ("similar", "different"),
    ("succeed", "fail"),
    ("support", "oppose"),
    ("well", "badly"),
)
_FULL = "very|strongly|completely|extremely|definitely|a lot(?: more)?"
_MOST = "mostly|generally|fairly|pretty|probably"
_PART = "somewhat|moderately|slightly|a little(?: more)?|rather"


def _sides(good: str, bad: str) -> tuple[str, ...]:
    """Steps from one opposite to the other."""
    rest = r"(?P<x>(?: [a-z' ]+)?)"
    middle = rf"neither (?:a )?{good}(?: (?:n?or) (?:a )?{bad})?{rest}|neither"
    near = [rf"(?:an? )?(?:{word}) {{}}{rest}" for word in (_FULL, _MOST)] + [rf"(?:an? )?{{}}{rest}"]
    near.append(rf"(?:an? )?(?:{_PART}) {{}}{rest}")
    return (*(step.format(good) for step in near), middle, *(step.format(bad) for step in reversed(near)))


# What a named group catches is what the step is said of ("confidence"); it must be the same in all options.
_SCALES: tuple[tuple[str, ...], ...] = (
    *(_sides(good, bad) for good, bad in _OPPOSITES),
    # how X, from very much to not at all
    (
        r"(?:very|extremely) (?P<x>[a-z ]+)",
        r"(?:fairly|pretty) (?P<x>[a-z ]+)",
        r"(?:somewhat|moderately) (?P<x>[a-z ]+)",
        r"only a little (?P<x>[a-z ]+)",
        r"not (?:too|very|so) (?P<x>[a-z ]+)",
        r"not at all (?P<x>[a-z ]+)|not (?P<y>[a-z ]+) at all|not (?P<z>(?!at all)[a-z ]+)|not at all",
    ),
    # how much of X
    (
        r"(?:an? )?(?:great deal|lot)(?: of)?(?P<x>(?: [a-z ]+)?)",
        r"(?:a )?fair amount(?: of)?(?P<x>(?: [a-z ]+)?)",
        r"some(?P<x>(?: [a-z ]+)?)|somewhat",
        r"(?:only )?(?:a )?(?:little|few)(?P<x>(?: [a-z ]+)?)|not (?:too |very )?(?:much|many)(?P<y>(?: [a-z ]+)?)"
        r"|very (?:little|few)(?P<z>(?: [a-z ]+)?)",
        r"no(?P<x> [a-z ]+?)(?: at all)?|none(?: at all)?|not at all|nothing(?: at all)?",
    ),
    # how big a problem, threat, reason, danger
    (
        r"(?:an? )?very (?:big|serious) (?P<x>[a-z]+)(?P<w>(?: [a-z ]+)?)",
        r"(?:an? )?(?:big|great|major|serious) (?P<x>[a-z]+)(?P<w>(?: [a-z ]+)?)",
        r"(?:an? )?(?:moderately big|moderate|somewhat serious) (?P<x>[a-z]+)(?P<w>(?: [a-z ]+)?)",
        r"(?:an? )?(?:small|minor) (?P<x>[a-z]+)(?P<w>(?: [a-z ]+)?)"
        r"|not too serious(?: of)?(?: a)? (?P<y>[a-z]+)(?P<v>(?: [a-z ]+)?)",
        r"(?:not an?|no) (?P<x>[a-z]+?)(?P<w>(?: (?!at all)[a-z ]+)?)(?: at all)?",
    ),
    # how strong or large, of X
    (
        r"very (?:strong|large) (?P<x>[a-z]+)",
        r"(?:strong|large|fairly large) (?P<x>[a-z]+)",
        r"not very strong (?P<x>[a-z]+)|(?:small|fairly small) (?P<y>[a-z]+)",
        r"there are not (?P<x>[a-z]+)|no (?P<y>[a-z]+)|very small (?P<z>[a-z]+)",
    ),
    # how urgent
    (
        r"(?:a )?top priority|one of the most important priorities",
        r"(?:a )?very important priority|some priority",
        r"(?:a )?low(?:er)? priority",
        r"no priority|not a priority(?: at all)?",
    ),
    # how often, of X
    (
        r"(?:always|all of the time|all or (?:almost all|most) of (?:the )?time)(?P<x>(?: [a-z ]+)?)|every day",
        r"(?:often|most of the time|frequently)(?P<x>(?: [a-z ]+)?)|almost every day",
        r"(?:sometimes|(?:only )?some of the time|occasionally|about half of the time)(?P<x>(?: [a-z ]+)?)",
        r"(?:rarely|seldom|hardly ever|only a little of the time)(?P<x>(?: [a-z ]+)?)",
        r"(?:never|none of the time)(?P<x>(?: [a-z ]+)?)",
    ),
    # how many of them
    (
        r"all(?: of them)?|all or (?:almost all|most)",
        r"most(?: of them)?",
        r"many",
        r"about half",
        r"(?:just |only )?some(?: of them)?",
        r"(?:only a |very )?few",
        r"none(?: of them)?|hardly any",
    ),
    ("excellent", "very good", "good", "only fair|fair", "poor", "very poor"),
    (
        "too much",
        "(?:about|just about) (?:right|the right amount)|(?:the )?right amount|enough",
        "too little|not enough",
    ),
    ("essential", "important,? but not essential", "not (?:too )?important", "not at all important"),
)
_COMPILED = tuple(tuple(re.compile(step) for step in scale) for scale in _SCALES)


def is_ordinal(options: Sequence[str], dont_know: Collection[int] = ()) -> bool:
    """Say whether the options, those of ``dont_know`` left out, are certain to stand in an order of degree.

    Numbered steps ("Not at all", "2", "3", "Very much") count when the numbers rise or fall by one and words stand at
    the ends only. Fewer than two options have no order.
    """
    return _is_ordinal(tuple(_plain(option) for index, option in enumerate(options) if index not in dont_know))


@lru_cache(maxsize=4096)  # a survey repeats its answer lists for every country
def _is_ordinal(options: tuple[str, ...]) -> bool:
    return len(options) > 1 and (_numbered(options) or any(_in_order(options, scale) for scale in _COMPILED))


def _plain(option: str) -> str:
    return " ".join(option.casefold().replace("’", "'").strip("\"' .").split())


def _in_order(options: Sequence[str], scale: Sequence[re.Pattern[str]]) -> bool:
    places: list[int] = []
    said_of: set[str] = set()
    for option in options:
        found = next(((place, match) for place, step in enumerate(scale) if (match := step.fullmatch(option))), None)
        if found is None:
            return False
        places.append(found[0])
        said_of |= {part.strip() for part in found[1].groupdict().values() if part and part.strip()}
    return len(said_of) <= 1 and _strictly(places)


def _strictly(places: Sequence[int]) -> bool:
    steps = [after - before for before, after in pairwise(places)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)


def _numbered(options: Sequence[str]) -> bool:
    inner = [option.isdecimal() for option in options]
    numbers = [int(option) for option in options if option.isdecimal()]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) > 1 and all(inner[1:-1]) and len(steps) == 1 and steps <= {1, -1}
