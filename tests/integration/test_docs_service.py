"""What README and docs/service.md show of the service works as it stands there."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
UNKNOWN = re.compile(r"Command \S+ is not executable|Unknown user")  # what is not on this machine


def blocks(text, kind):
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Run the command and return where it answers."""
    words = tmp_path_factory.mktemp("words") / "words.txt"
    words.write_text("aspirin\nchest pain\n")
    command = [sys.executable, "-m", "clinnlp.cli", "serve", "--vocabulary", str(words)]
    process = subprocess.Popen([*command, "--port", "0"], stderr=subprocess.PIPE, text=True)
    ready = next(line for line in process.stderr if "ready" in line)
    yield re.search(r"http://[\d.:]+\d", ready)[0]
    process.terminate()
    process.stderr.read()
    assert process.wait(60) == 0


@pytest.mark.slow
def test_the_client_of_the_readme_prints_what_was_found(address):
    (client,) = blocks(README, "python client")
    assert len([line for line in client.splitlines() if line.strip()]) <= 10
    code = client.replace("http://127.0.0.1:8765", address)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["Term chest pain True", "Term aspirin False"], done.stderr


@pytest.mark.slow
def test_the_requests_of_the_guide_are_answered(address, tmp_path):
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("no curl")
    asked, streamed = (
        block for block in blocks(GUIDE, "sh") if "/v1/extract" in block and "curl -s" in block
    )
    (tmp_path / "notes.ndjson").write_text('{"text": "aspirin"}\n' * 3)
    back = [
        subprocess.run(["bash", "-c", code.replace("http://127.0.0.1:8765", address)],
                       capture_output=True, text=True, cwd=tmp_path).stdout
        for code in (asked, streamed)
    ]  # fmt: skip
    assert json.loads(back[0])["notes"][0]["entities"][0]["assertion"]["negated"] is True
    assert json.loads(back[1].splitlines()[-1]) == {"done": {"n_notes": 3, "n_failed": 0}}


@pytest.mark.slow
def test_every_path_that_is_described_is_there(address):
    described = json.load(urllib.request.urlopen(f"{address}/openapi.json"))
    for path, methods in described["paths"].items():
        for method in methods:
            request = urllib.request.Request(address + path, method=method.upper())
            try:
                status = urllib.request.urlopen(request).status
            except urllib.error.HTTPError as error:
                status = error.code
            assert status in (200, 415), path


def test_the_unit_of_systemd_is_one(tmp_path):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("no systemd-analyze")
    (unit,) = blocks(GUIDE, "ini")
    (tmp_path / "clinnlp.service").write_text(unit)
    done = subprocess.run([analyze, "verify", str(tmp_path / "clinnlp.service")],
                          capture_output=True, text=True)  # fmt: skip
    faults = [line for line in done.stderr.splitlines() if "clinnlp.service" in line]
    assert [line for line in faults if not UNKNOWN.search(line)] == []


# what stands around a recipe, and how it is checked
OWN = " ".join(f"{kind}_temp_path {kind};" for kind in ("proxy", "fastcgi", "uwsgi", "scgi"))
HTTP = f"pid pid;\nevents {{}}\nhttp {{\nclient_body_temp_path body; {OWN}\nBLOCK\n}}\n"
PROXIES = {
    "nginx": (HTTP, ("-t", "-p", ".", "-e", "log", "-c")),
    "haproxy": ("BLOCK", ("-c", "-f")),
}


@pytest.mark.parametrize("kind", PROXIES)
def test_the_recipe_of_a_proxy_is_taken_by_it(kind, tmp_path):
    program = shutil.which(kind, path=f"{os.environ['PATH']}:/usr/sbin")
    openssl = shutil.which("openssl")
    if program is None or openssl is None:
        pytest.skip(f"no {kind}, or no openssl to make a certificate with")
    around, options = PROXIES[kind]
    subprocess.run([openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a",
                    "-keyout", "nlp.key", "-out", "nlp.pem"],
                   cwd=tmp_path, check=True, capture_output=True)  # fmt: skip
    both = (tmp_path / "nlp.pem").read_text() + (tmp_path / "nlp.key").read_text()
    (tmp_path / "nlp-with-key.pem").write_text(both)
    (block,) = blocks(GUIDE, kind)
    path = tmp_path / f"{kind}.conf"
    path.write_text(around.replace("BLOCK", block.replace("/etc/ssl", str(tmp_path))))
    done = subprocess.run([program, *options, str(path)], capture_output=True, text=True,
                          cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_recipes_name_flags_that_there_are():
    help_ = subprocess.run([sys.executable, "-m", "clinnlp.cli", "serve", "--help"],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    recipes = "".join(b for kind in ("ini", "dockerfile", "sh") for b in blocks(GUIDE, kind))
    flags = set(re.findall(r"(?<= |\")--[a-z0-9-]+", recipes))
    assert {"--key-file", "--behind-proxy", "--model"} <= flags
    others = {"--no-cache-dir", "--uid"}
    assert [flag for flag in sorted(flags - others) if flag not in help_] == []
