"""The ``domainclip`` command: one verb per file of ``domainclip/commands``, imported when typed.

A verb's file holds ``add_arguments(parser)`` and ``run(arguments) -> exit code``; its first
docstring line is its help. Exit codes: 0 done, 1 done with too many quarantined, 2 wrong usage or
unusable input.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code and never shows a traceback without --debug."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a letter that the terminal lacks is shown as ?
            stream.reconfigure(errors="replace")
    arguments = list(sys.argv[1:] if argv is None else argv)
    debug = "--debug" in arguments
    arguments = [word for word in arguments if word != "--debug"]
    verbs = _verbs()
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview(verbs))
        return 0 if arguments else 2
    if arguments[0] in ("--version", "-V"):
        from domainclip import __version__

        print(f"domainclip {__version__}")
        return 0
    from domainclip.errors import DomainclipError, nearest

    verb, *rest = arguments
    if verb not in verbs:
        print(f"domainclip: unknown command {verb!r}.{nearest(verb, verbs)}", file=sys.stderr)
        print(f"Commands: {', '.join(verbs)}. See domainclip --help.", file=sys.stderr)
        return 2
    # torch's threads wait asleep: spinning, they are ten times slower as soon as they share a core
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        command = importlib.import_module(f"domainclip.commands.{verb}")
        parser = argparse.ArgumentParser(
            prog=f"domainclip {verb}",
            description=command.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            epilog="--debug shows the traceback of an error.",
        )
        command.add_arguments(parser)
        return int(command.run(_parsed(parser, rest)))
    except SystemExit as stop:  # argparse: 0 after --help, 2 after a wrong option
        return int(stop.code or 0)
    except KeyboardInterrupt:
        print("domainclip: interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output closed it (head, less)
        sys.stderr.close()
        return 0
    except Exception as error:
        if debug:
            raise
        print(f"domainclip {verb}: {_sentence(error)}", file=sys.stderr)
        return error.exit_code if isinstance(error, DomainclipError) else 2


def _parsed(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    """The arguments; options may stand before, between and after those without a name."""
    if parser._subparsers is not None:  # argparse cannot mix there
        return parser.parse_args(words)
    arguments, left = parser.parse_known_args(words)
    return parser.parse_intermixed_args(words) if left else arguments


def _sentence(error: BaseException) -> str:
    from domainclip.errors import DomainclipError

    if isinstance(error, DomainclipError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}."
    return (
        f"unexpected {type(error).__name__}: {error}. This is a bug in domainclip, or an input it "
        "does not foresee; add --debug to see where it happened."
    )


def _verbs() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted((Path(__file__).parent / "commands").glob("[!_]*.py")):
        docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = docstring.partition("\n")[0]
    return found


def _overview(verbs: dict[str, str]) -> str:
    width = max(map(len, verbs))
    lines = "\n".join(f"  {verb:<{width}}  {line}" for verb, line in verbs.items())
    return (
        "domainclip adapts CLIP to a domain.\n\nusage: domainclip COMMAND [OPTION ...]\n\n"
        f"{lines}\n\nStart with: domainclip run quickstart\nMore on one: domainclip COMMAND --help"
    )


if __name__ == "__main__":
    sys.exit(main())
