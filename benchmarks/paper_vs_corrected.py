"""Print, as Markdown, what outputs in the authors' file format score as published and as corrected, and why.

    python benchmarks/paper_vs_corrected.py TASK=FILE... [--judge NAME]

For example plural_distributional_moralchoice=outputs.json. Effects add up from the paper's figure to the corrected one.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from plural_tasks.judges import load_judge
from plural_tasks.rescore import needs_judge, rescore
from plural_tasks.rescore.outputs import output_source, read_outputs
from plural_tasks.rescore.render import as_markdown


def main() -> None:
    """Score every file and print one table for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="TASK=FILE")
    parser.add_argument("--judge", default="nli", help="judge of Overton answers (default: nli)")
    arguments = parser.parse_args()
    judge = None
    for named in arguments.files:
        task, equals, name = named.partition("=")
        if not equals:
            parser.error(f"{named}: expected TASK=FILE")
        outputs = read_outputs(Path(name), output_source(task))
        if judge is None and needs_judge(outputs):
            judge = load_judge(arguments.judge)
        print(as_markdown({f"{task}, {Path(name).name}": rescore(outputs, judge)}))


if __name__ == "__main__":
    main()
