"""Build ``plural_tasks/data/surveys/surveys.json`` and the table of counts in the README beside it.

    python -m venv surveys-env && surveys-env/bin/pip install -r tools/build_surveys/requirements.txt
    surveys-env/bin/python -m tools.build_surveys            # from the root of the repository
    surveys-env/bin/python -m tools.build_surveys --check    # builds and compares with what is committed

The same microdata gives the same bytes. The build stops when a microdata file is not the one that the codings were
read against (`microdata.DIGESTS`), when a known fact about the answers does not hold (`facts`), or when the split is
out of balance (`split`).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from . import anes, ess, gss, polls, single, wvs
from .facts import broken
from .model import Question, Study
from .output import readme, text
from .split import imbalances
from .steerable import kept

FOLDER = Path("plural_tasks/data/surveys")

STUDIES: dict[str, Study] = {
    "gss": gss.STUDY,
    "wvs": wvs.STUDY,
    "anes": anes.STUDY,
    "cces": anes.CCES,
    "ess": ess.STUDY,
    "ces11": single.CES11,
    "cnes97": single.CNES97,
    "chile88": single.CHILE,
    "beps": single.BEPS,
    "gallup-dk": single.GALLUP,
    "unc67": single.STUDENTS,
    "pew": polls.PEW,
    "surveyusa": polls.SURVEYUSA,
    "cbs": polls.CBS,
    "yougov": polls.YOUGOV,
    "ppp": polls.PPP,
}


def build() -> list[Question]:
    """Return all questions, in the order of the studies; the build stops on the first thing that is wrong."""
    questions = [question for module in (gss, wvs, anes, ess, single, polls) for question in module.questions()]
    order = list(STUDIES)
    questions.sort(key=lambda question: order.index(question.study))
    problems = [*broken(questions), *imbalances(questions)]
    if len({question.id for question in questions}) != len(questions):
        problems.append("a question's id occurs twice")
    if problems:
        raise SystemExit("\n".join(problems))
    return questions


def main() -> None:
    """Write the files, or compare them with ``--check``."""
    parser = argparse.ArgumentParser(description="Build the embedded survey benchmark.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    only_check = parser.parse_args().check
    questions = build()
    made = {"surveys.json": text(STUDIES, questions)}
    made["README.md"] = readme((FOLDER / "README.md").read_text(encoding="utf-8"), STUDIES, questions)
    for name, content in made.items():
        path = FOLDER / name
        if only_check and path.read_text(encoding="utf-8") != content:
            raise SystemExit(f"{path} is not what the microdata gives.")
        if not only_check:
            path.write_text(content, encoding="utf-8")
    cells = sum(len(question.populations) + len(kept(question)) for question in questions)
    print(f"{len(questions)} questions, {cells} cells: {'as committed' if only_check else 'written'}")


if __name__ == "__main__":
    main()
