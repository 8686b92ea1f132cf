"""``domainclip bank`` against an endpoint here that speaks OpenAI's form, well or ill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from domainclip.banks import BankRow, append_rows, descriptions, read_bank
from domainclip.cli import main

SECRET = "sk-very-secret-4711"


class Endpoint:
    """A server whose ``answer`` maps a question to (status, body); ``asked`` holds all requests."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.answer: Callable[[str], tuple[int, Any]] = lambda question: (200, written(question))
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                request = json.loads(self.rfile.read(length))
                endpoint.asked.append({**request, "path": self.path})
                endpoint.keys.append(self.headers["Authorization"])
                status, body = endpoint.answer(request["messages"][0]["content"])
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        self.url = f"http://{self.host}/v1"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def questions(self) -> list[str]:
        return [request["messages"][0]["content"] for request in self.asked]


def completion(text: str | None, finish: str = "stop") -> dict[str, Any]:
    message = {"role": "assistant", "content": text}
    return {
        "id": "1", "object": "chat.completion", "created": 1, "model": "tiny",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }  # fmt: skip


def written(question: str) -> dict[str, Any]:
    """As many sentences as are asked for, in the ways in which models decorate them."""
    count = int(question.split(" Write ")[1].split()[0])
    topic = question.split(" in an image")[0][-12:]
    lines = [f"{i}. Sentence {i} on {topic}." for i in range(1, count)]
    head = f"<think>Let me\nthink.</think>Here are {count} sentences:\n\n"
    return completion(f"{head}" + "\n".join(lines) + f'\n- "The last on {topic}."\n')


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    found = Endpoint()
    yield found
    found.server.shutdown()
    found.server.server_close()


def _command(endpoint: Endpoint, bank: Path, *words: str) -> list[str]:
    return ["bank", *words, "-o", str(bank), "--url", endpoint.url, "--model", "tiny"]


def test_rows_say_who_wrote_them_and_to_which_prompt(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = tmp_path / "bank.jsonl"
    (tmp_path / "classes.txt").write_text("river_or_lake\n\nforest\n")
    command = _command(endpoint, bank, "farm land", "--classes", str(tmp_path / "classes.txt"))
    assert main([*command, "--per-class", "4"]) == 0
    shown = capsys.readouterr()
    assert shown.out == (
        f"{bank}: 12 sentences; of 3 classes 3 were described now, 0 before, 0 failed.\n"
    )
    assert shown.err == ""
    rows = read_bank(bank)
    assert [row.class_name for row in rows] == (
        ["farm land"] * 4 + ["river_or_lake"] * 4 + ["forest"] * 4
    )
    assert rows[3].text == "The last on es farm land." and rows[0].text.startswith("Sentence 1 on")
    assert rows[4].origin.startswith(
        f"tiny@{endpoint.host}: Describe how one recognises river or lake in an image"
    )
    assert [request["path"] for request in endpoint.asked] == ["/v1/chat/completions"] * 3
    assert endpoint.keys == [f"Bearer {SECRET}"] * 3
    assert SECRET not in bank.read_text()

    assert main([*command, "--per-class", "4", "--json"]) == 0  # there is nothing left to ask
    assert json.loads(capsys.readouterr().out) == {
        "bank": str(bank), "sentences": 12, "classes": 3, "described": 0, "kept": 3, "failed": {}
    }  # fmt: skip
    assert len(endpoint.asked) == 3


def test_prompts_share_the_sentences_and_rows_of_a_person_are_kept(
    endpoint: Endpoint, tmp_path: Path
) -> None:
    bank = tmp_path / "bank.jsonl"
    append_rows(bank, [BankRow("Forest", "A closed canopy.", "a person")])
    endpoint.answer = lambda question: (200, completion("\n".join(
        ["A closed canopy.", *(f"{question[:4]} {i}." for i in range(1, 9))]
    )))  # fmt: skip
    prompts = ["--prompt", "Look of {}?", "--prompt", "Size of {}?"]
    assert main(_command(endpoint, bank, "forest", "--per-class", "6", *prompts)) == 0
    assert descriptions(bank, ["forest"])["forest"] == [
        "A closed canopy.", "Look 1.", "Look 2.", "Look 3.", "Size 1.", "Size 2."
    ]  # fmt: skip
    assert [row.origin for row in read_bank(bank)][4] == f"tiny@{endpoint.host}: Size of forest?"
    assert "Write 3 " in endpoint.questions()[0] and "Write 2 " in endpoint.questions()[1]


@pytest.mark.parametrize(
    "answer, said",
    [
        ((500, {"error": {"message": f"broken, {SECRET} and all"}}), "broken, *** and all"),
        ((400, {"error": {"message": "bad request"}}), "bad request"),
        ((200, b"<html>junk"), "no chat completion"),
        ((200, {"choices": []}), "no chat completion"),
        ((200, {"hello": 1}), "no chat completion"),
        ((200, completion(None)), "holds no text"),
        ((200, completion("I cannot help with that.")), "holds 1 new sentences and 3 were asked"),
        ((200, completion("A.\nA.\nA.\n\n")), "holds 1 new sentences"),
        ((200, completion("A b.\nC d.\nE f.", "length")), "cut short"),
    ],
)  # fmt: skip
def test_a_class_that_fails_is_named_and_the_others_are_kept(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: Any, said: str
) -> None:
    bank = tmp_path / "bank.jsonl"
    endpoint.answer = lambda question: answer if "sea" in question else (200, written(question))
    command = _command(endpoint, bank, "cat", "sea", "dog", "--per-class", "3")
    assert main(command) == 1
    shown = capsys.readouterr()
    assert shown.err.startswith("domainclip bank: 'sea': ") and shown.err.count("\n") == 1
    assert said in shown.err and SECRET not in shown.err
    assert "2 were described now, 0 before, 1 failed" in shown.out
    assert [row.class_name for row in read_bank(bank)] == ["cat"] * 3 + ["dog"] * 3
    endpoint.answer = lambda question: (200, written(question))
    assert main(command) == 0
    assert "1 were described now, 2 before" in capsys.readouterr().out
    assert {len(texts) for texts in descriptions(bank, ["cat", "sea", "dog"]).values()} == {3}


@pytest.mark.parametrize(
    "status, said", [(401, "refuses the key in OPENAI_API_KEY"), (404, "has no model 'tiny'")]
)
def test_what_no_class_can_pass_stops_at_once(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, said: str
) -> None:
    endpoint.answer = lambda question: (status, {"error": {"message": f"no: {SECRET}"}})
    assert main(_command(endpoint, tmp_path / "bank.jsonl", "cat", "sea")) == 2
    error = capsys.readouterr().err
    assert said in error and SECRET not in error and len(endpoint.asked) == 1


def test_a_server_that_is_not_there_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], endpoint: Endpoint
) -> None:
    endpoint.server.shutdown()
    endpoint.server.server_close()
    assert main(_command(endpoint, tmp_path / "bank.jsonl", "cat", "sea")) == 2
    assert f"{endpoint.host} cannot be reached" in capsys.readouterr().err


def test_a_killed_command_goes_on_where_it_was(endpoint: Endpoint, tmp_path: Path) -> None:
    bank = tmp_path / "bank.jsonl"
    command = _command(endpoint, bank, "cat", "sea", "dog", "--per-class", "3")
    reached, let = threading.Event(), threading.Event()

    def slow(question: str) -> tuple[int, Any]:
        if "sea" in question:
            reached.set()
            let.wait(60)
        return 200, written(question)

    endpoint.answer = slow
    process = subprocess.Popen(
        [sys.executable, "-m", "domainclip.cli", *command], env=dict(os.environ)
    )
    assert reached.wait(60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    let.set()
    assert [row.class_name for row in read_bank(bank)] == ["cat"] * 3
    with bank.open("ab") as file:
        file.write(b'{"class": "sea", "text": "The s')  # what a kill within the write would leave
    time.sleep(0.1)
    endpoint.asked.clear()
    endpoint.answer = lambda question: (200, written(question))
    assert main(command) == 0
    assert [row.class_name for row in read_bank(bank)] == ["cat"] * 3 + ["sea"] * 3 + ["dog"] * 3
    assert len(endpoint.asked) == 2


@pytest.mark.parametrize(
    "words, said",
    [
        (["--url", "http://x/v1", "-o", "b.jsonl"], "give at least one CLASS"),
        (["cat", "Cat", "--url", "http://x/v1", "-o", "b.jsonl"], "'Cat' is given twice"),
        (["cat", "--url", "x/v1", "-o", "b.jsonl"], "--url: must be an address"),
        (["cat", "--url", "http://x:y/v1", "-o", "b.jsonl"], "--url: must be an address"),
        (["cat", "--url", "http://x/v1", "-o", "b.csv"], "must end in .jsonl"),
        (["cat", "--url", "http://x/v1", "-o", "b.jsonl", "--prompt", "Say."], "has no {}"),
        (["cat", "--url", "http://x/v1", "-o", "b.jsonl", "--per-class", "0"], "must be 1 or more"),
        (["cat", "--url", "http://x/v1", "-o", "b.jsonl", "--key-env", "NO_SUCH"], "NO_SUCH"),
        (["--classes", "none.txt", "--url", "http://x/v1", "-o", "b.jsonl"], "none.txt: No such"),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_sentence_and_asks_nobody(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["bank", *words, "--model", "tiny"]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_bank_made_by_hand_is_checked_before_anything_is_asked(
    endpoint: Endpoint, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = tmp_path / "bank.jsonl"
    bank.write_text('{"class": "cat"}\n')
    assert main(_command(endpoint, bank, "sea")) == 2
    assert "bank.jsonl:1: has no 'text'" in capsys.readouterr().err
    assert not endpoint.asked and bank.read_text() == '{"class": "cat"}\n'
