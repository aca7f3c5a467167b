"""`factolake`: the root command, and the one place where an error becomes a sentence and an exit code."""

import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from factolake.errors import FactoLakeError
from factolake.refusals import system_refusals
from pipelines.commands import demo, installation, lake, mes, models, parts, plan
from pipelines.commands.invocation import Invocation

INTERRUPTED = 130
"""128 and the number of the signal that Ctrl-C sends, as a shell has it."""
INTERNAL_ERROR = 70
"""EX_SOFTWARE of sysexits.h: a fault of FactoLake itself, not of its input."""

app = typer.Typer(
    name="factolake",
    help="Machine data in, KPIs that explain themselves out. Start with `factolake demo`.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback()
def root(
    context: typer.Context,
    conf: Annotated[Path | None, typer.Option("--conf", help="Settings file instead of conf/factolake.toml.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Log more, and show the traceback of an error.")] = False,
) -> None:
    """Machine data in, KPIs that explain themselves out. Start with `factolake demo`."""
    shared = context.ensure_object(Invocation)
    shared.conf, shared.debug = conf, debug


for module in (demo, installation, lake, parts, plan, models, mes):
    module.register(app)


def main() -> None:
    """Entry point of the `factolake` command."""
    shared = Invocation()
    try:
        with system_refusals():
            app(obj=shared)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except FactoLakeError as error:
        _fail(error, str(error), error.exit_code, shared.debug)
    except OSError as error:
        _fail(error, f"the system refused: {error}", INTERNAL_ERROR, shared.debug)
    except Exception as error:
        what = f"{type(error).__name__}: {str(error)[:300]}"
        _fail(error, f"a fault in FactoLake itself, {what}; --debug shows where", INTERNAL_ERROR, shared.debug)


def _fail(error: BaseException, sentence: str, exit_code: int, debug: bool) -> None:
    if debug:
        traceback.print_exception(error)
    print(f"factolake: {' '.join(sentence.split())}", file=sys.stderr, flush=True)
    sys.exit(exit_code)


if __name__ == "__main__":
    main()
