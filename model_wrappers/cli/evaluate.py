"""``modplural eval``: the harness's own command line, with modplural registered in this process."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from plural_tasks.errors import show_errors_in_one_line

USAGE = """Usage: modplural eval [lm_eval's arguments]

Runs lm_eval with --model modplural unless another model is named. For example:

  modplural eval --tasks plural_embedded --limit 4
  modplural eval --model_args base=hf,pretrained=ORG/MODEL,pool=perspective --tasks plural

All arguments: lm_eval run --help
"""


def run_harness(arguments: Sequence[str]) -> None:
    """Run ``lm_eval`` with these arguments; works where the start-up hook is switched off."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return
    show_errors_in_one_line()
    import _modplural_autoload

    _modplural_autoload.register_now()
    from lm_eval.__main__ import cli_evaluate

    named = any(argument.split("=")[0] in ("--model", "-M", "--config", "-C") for argument in arguments)
    sys.argv = ["lm_eval", "run", *([] if named else ["--model", "modplural"]), *arguments]
    cli_evaluate()
