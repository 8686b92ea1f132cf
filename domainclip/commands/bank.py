"""Have sentences about classes written by a text model, for the methods that learn from them.

domainclip bank "grass land" "river or lake" -o bank.jsonl --url URL --model NAME

URL is an OpenAI-compatible endpoint: https://api.openai.com/v1, or a server of your own such as
http://localhost:8000/v1. Every row of the bank says which model wrote it, where, and to which
prompt. Read them before you train on them. An interrupted command goes on when it is given again:
classes that have their sentences already, by whomever, are kept as they are.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from domainclip.banks import BankRow, append_rows, class_key, read_bank
from domainclip.catalogue import import_optional
from domainclip.commands._printing import print_json, shortened
from domainclip.commands._progress import progress_bar
from domainclip.errors import BadInput, UsageError

__all__ = ["add_arguments", "run"]

KEY = "OPENAI_API_KEY"
PROMPT = "Describe how one recognises {} in an image: shapes, colours, texture and surroundings."
FORM = (
    " Write {count} different sentences, each on a line of its own. Every sentence says one "
    "visible thing, names its subject, stands alone and has at most 30 words. Write nothing else, "
    "and no numbers before the sentences."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("names", metavar="CLASS", nargs="*", help="a class name")
    add("-o", "--output", metavar="BANK", type=Path, required=True,
        help="the bank to make or go on with, a .jsonl file")  # fmt: skip
    add("--url", required=True, help="an OpenAI-compatible endpoint, as https://host/v1")
    add("--model", metavar="NAME", required=True, help="the text model, as the endpoint names it")
    add("--classes", metavar="FILE", type=Path, help="a text file with a class name a line")
    add("--per-class", metavar="N", type=int, default=20,
        help="sentences a class, shared among the prompts [default: 20]")  # fmt: skip
    add("--prompt", metavar="TEMPLATE", action="append",
        help=f"what is asked, with {{}} for the class, may be repeated "
             f"[default: {PROMPT}]")  # fmt: skip
    add("--key-env", metavar="NAME",
        help=f"the environment variable whose key is sent to URL [default: {KEY}]")  # fmt: skip
    add("--timeout", metavar="S", type=float, default=120.0,
        help="seconds that one answer may take [default: 120]")  # fmt: skip
    add("--json", action="store_true", help="print the summary as a JSON object")


def run(arguments: argparse.Namespace) -> int:
    names, bank = _names(arguments.names, arguments.classes), arguments.output
    prompts, per_class = arguments.prompt or [PROMPT], arguments.per_class
    if bank.suffix.lower() != ".jsonl":
        raise UsageError(f"-o {bank}: the bank must end in .jsonl.")
    if per_class < len(prompts):
        raise UsageError(f"--per-class {per_class}: must be {len(prompts)} or more.")
    for prompt in prompts:
        if "{}" not in prompt:
            raise UsageError(f"--prompt {prompt!r}: has no {{}} where the class belongs.")
    writer = _Writer.at(arguments.url, arguments.model, arguments.key_env, arguments.timeout)
    append_rows(bank, ())  # can it be written, before anything is paid for; ends a cut line
    rows = read_bank(bank) if bank.stat().st_size else []
    known: dict[str, set[str]] = {class_key(name): set() for name in names}
    for row in rows:
        known.setdefault(class_key(row.class_name), set()).add(row.text)
    lacking = {name: per_class - len(known[class_key(name)]) for name in names}
    wanted = [name for name in names if lacking[name] > 0]
    failed: dict[str, str] = {}
    with progress_bar("bank", "classes") as progress:
        for done, name in enumerate(wanted):
            progress(done, len(wanted))
            try:
                made = writer.rows(name, prompts, lacking[name], known[class_key(name)])
            except _Failed as error:
                failed[name] = str(error)
                print(f"domainclip bank: {name!r}: {error}.", file=sys.stderr)
                continue
            append_rows(bank, made)
            rows += made
    described, kept = len(wanted) - len(failed), len(names) - len(wanted)
    if arguments.json:
        print_json(
            {"bank": str(bank), "sentences": len(rows), "classes": len(names),
             "described": described, "kept": kept, "failed": failed}
        )  # fmt: skip
    else:
        print(f"{bank}: {len(rows):,} sentences; of {len(names):,} classes {described:,} were "
              f"described now, {kept:,} before, {len(failed):,} failed.")  # fmt: skip
    return 1 if failed else 0


class _Failed(Exception):
    """One class could not be described; the others can."""


@dataclass(frozen=True)
class _Writer:
    """A text model at an endpoint. key_env: where its key stands, which is shown nowhere."""

    client: Any
    model: str
    host: str
    key_env: str

    @classmethod
    def at(cls, url: str, model: str, key_env: str | None, timeout_s: float) -> _Writer:
        try:
            parts = urlsplit(url)
            host = f"{parts.hostname}:{parts.port}" if parts.port else parts.hostname
        except ValueError:
            host = None
        if not host or parts.scheme not in ("http", "https"):
            raise UsageError("--url: must be an address such as https://api.openai.com/v1.")
        key = os.environ.get(key_env or KEY, "")
        if key_env and not key:
            raise UsageError(f"--key-env {key_env}: there is no such environment variable.")
        client = import_optional("openai").OpenAI(
            base_url=url, api_key=key or "none", timeout=timeout_s
        )  # a server of one's own needs no key
        return cls(client, model, host, key_env or KEY)

    def rows(self, name: str, prompts: Sequence[str], count: int, known: set[str]) -> list[BankRow]:
        """``count`` new rows about a class, shared evenly among the prompts. Raises _Failed."""
        made: list[BankRow] = []
        for at, prompt in enumerate(prompts):
            asked = count // len(prompts) + (at < count % len(prompts))
            if not asked:
                continue
            words = prompt.replace("{}", " ".join(name.replace("_", " ").split()))
            answer = self._answer(words + FORM.format(count=asked))
            texts = [text for text in _sentences(answer) if text not in known][:asked]
            if len(texts) < asked:
                raise _Failed(
                    f"the answer holds {len(texts)} new sentences and {asked} were asked for: "
                    f"{shortened(answer)!r}"
                )
            known = known | set(texts)
            made += [BankRow(name, text, f"{self.model}@{self.host}: {words}") for text in texts]
        return made

    def _answer(self, question: str) -> str:
        openai = import_optional("openai")
        try:
            reply = self.client.chat.completions.create(
                model=self.model, messages=[{"role": "user", "content": question}]
            )
            choice = reply.choices[0]
            content = choice.message.content
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise UsageError(
                f"{self.host} refuses the key in {self.key_env}: {self._said(error)}"
            ) from None
        except openai.NotFoundError as error:
            raise UsageError(
                f"{self.host} has no model {self.model!r} at this address: {self._said(error)}"
            ) from None
        except openai.APITimeoutError:
            raise _Failed("no answer in time; see --timeout") from None
        except openai.APIConnectionError as error:
            raise BadInput(
                f"{self.host} cannot be reached ({error.__cause__ or error}); run the same command "
                "again to go on."
            ) from None
        except openai.OpenAIError as error:
            raise _Failed(self._said(error)) from None
        except (AttributeError, IndexError, TypeError, ValueError):
            raise _Failed("the answer is no chat completion") from None
        if choice.finish_reason == "length":
            raise _Failed("the answer was cut short; lower --per-class, or give several --prompt")
        if not isinstance(content, str):
            raise _Failed("the answer holds no text")
        return content.encode("utf-8", "replace").decode()

    def _said(self, error: Exception) -> str:
        """What the endpoint said, without the key, should it repeat it."""
        return shortened(str(error).replace(self.client.api_key, "***"), 200)


def _sentences(answer: str) -> list[str]:
    """The lines of an answer, each once, without numbers, bullets, quotes, fences and headings."""
    answer = re.sub(r"<think>.*?</think>", "", answer, flags=re.DOTALL)
    lines = (re.sub(r"^\s*(?:[-*•–]|\(?\d+[.):])\s+", "", line) for line in answer.splitlines())
    texts = (" ".join(line.strip().strip('"“”').split()) for line in lines)
    kept = (t for t in texts if re.search(r"\w", t) and not t.endswith(":") and "```" not in t)
    return list(dict.fromkeys(kept))


def _names(given: Sequence[str], file: Path | None) -> list[str]:
    """Class names, each once. Raises UsageError, BadInput."""
    names = list(given)
    if file is not None:
        try:
            names += file.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise BadInput(f"{file}: not UTF-8; save the file in that encoding.") from error
    names = [name.strip() for name in names if name.strip()]
    if not names:
        raise UsageError("give at least one CLASS, or --classes FILE with one a line.")
    first: dict[str, str] = {}
    for name in names:
        if class_key(name) in first:
            raise UsageError(f"class {name!r} is given twice, first as {first[class_key(name)]!r}.")
        first[class_key(name)] = name
    return names
