"""Setting up: locks, conda, Binder, and the script behind make."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from importlib.metadata import requires, version
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from helpers import start
from helpers.authoring.course import ROOT
from tests.browser.lab import free_port
from tests.project.files import tracked

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = {name: ROOT / name for name in start.LOCKS.values()}
#: Addresses that packages come from, in two halves, so that this file does not hold them either.
REGISTRIES = tuple(
    "".join(halves)
    for halves in (
        ("py", "pi.org"),
        ("python", "hosted.org"),
        ("npm", "js.org"),
        ("npm", "js.com"),
        ("ana", "conda.org"),
        ("ana", "conda.com"),
        ("js", "delivr.net"),
        ("un", "pkg.com"),
        ("cdn", "js.cloudflare.com"),
    )
)


def required(*groups: str) -> list[Requirement]:
    """The project's requirements: its own, and those of the extras named."""
    extras = PROJECT["project"]["optional-dependencies"]
    texts = [*PROJECT["project"]["dependencies"], *(t for group in groups for t in extras[group])]
    return [Requirement(text) for text in texts]


def locked(path: Path) -> dict[str, list[tuple[Requirement, list[str]]]]:
    """Pinned requirements of a lock with their hashes, by name."""
    pins: dict[str, list[tuple[Requirement, list[str]]]] = {}
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        requirement, *hashes = (part.strip(" \\") for part in block.split("\n"))
        pin = Requirement(requirement)
        pins.setdefault(canonicalize_name(pin.name), []).append((pin, hashes))
    return pins


def names_of(pin: Requirement) -> str:
    """The one version that a pin allows."""
    (specifier,) = pin.specifier
    assert specifier.operator == "==", f"{pin} is not pinned"
    return specifier.version


@pytest.mark.parametrize("path", LOCKS.values(), ids=LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_hashes(path: Path) -> None:
    pins = locked(path)
    assert len(pins) > 50
    for alternatives in pins.values():
        for pin, hashes in alternatives:
            assert pin.url is None, f"{pin} has an address"
            assert names_of(pin)
            assert hashes, f"{pin} has no hash"
            for line in hashes:
                assert re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line), f"{pin}: {line}"


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("requirements.lock", ()),
        ("tests/requirements.lock", tuple(PROJECT["project"]["optional-dependencies"])),
    ],
)
def test_a_lock_satisfies_the_project(name: str, groups: tuple[str, ...]) -> None:
    pins = locked(LOCKS[name])
    build = [Requirement(text) for text in PROJECT["build-system"]["requires"]]
    for requirement in [*required(*groups), *build]:
        alternatives = pins.get(canonicalize_name(requirement.name))
        assert alternatives, f"{requirement} is not in {name}; run: make lock"
        for pin, _ in alternatives:
            assert requirement.specifier.contains(names_of(pin)), f"{pin} is not {requirement}"


#: Other versions than the lock's may be here on purpose: `make versions`, conda, `--here`.
with_the_lock = pytest.mark.skipif(
    Path(sys.prefix) != ROOT / ".venv", reason="not the environment that the lock fills"
)


@with_the_lock
@pytest.mark.parametrize("path", LOCKS.values(), ids=LOCKS)
def test_a_lock_holds_everything_that_its_packages_need(path: Path) -> None:
    """They are installed as they stand: nothing looks for what is missing."""
    pins, here = locked(path), default_environment()
    ours = [pin for alternatives in pins.values() for pin, _ in alternatives]
    waiting = [pin for pin in ours if pin.marker is None or pin.marker.evaluate(here)]
    seen: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if str(wanted) in seen:
            continue
        seen.add(str(wanted))
        for text in requires(wanted.name) or ():
            needed = Requirement(text)
            environments = [{**here, "extra": extra} for extra in ("", *wanted.extras)]
            if needed.marker and not any(map(needed.marker.evaluate, environments)):
                continue
            versions = [names_of(pin) for pin, _ in pins.get(canonicalize_name(needed.name), ())]
            assert any(map(needed.specifier.contains, versions)), (
                f"{wanted} needs {needed}; {path.name} has {versions}; run: make lock"
            )
            waiting.append(needed)


def test_both_locks_hold_the_same_versions() -> None:
    learner, tests = (locked(LOCKS[name]) for name in start.LOCKS.values())
    for name, alternatives in learner.items():
        versions = {names_of(pin) for pin, _ in alternatives}
        assert versions == {names_of(pin) for pin, _ in tests[name]}, name


def test_learners_install_no_test_tools_and_nothing_slow() -> None:
    learner = set(locked(LOCKS["requirements.lock"]))
    assert not learner & {"playwright", "nbgrader", "hypothesis", "ciw", "salabim", "distributed"}
    everything = set(locked(LOCKS["tests/requirements.lock"]))
    assert not everything & {"numba", "llvmlite", "torch"}
    assert not learner & {"scipy"}


@with_the_lock
def test_what_is_installed_here_is_what_the_lock_says() -> None:
    here = default_environment()
    pins = locked(LOCKS["requirements.lock"])
    for requirement in required():
        matching = [
            names_of(pin)
            for pin, _ in pins[canonicalize_name(requirement.name)]
            if pin.marker is None or pin.marker.evaluate(here)
        ]
        assert matching == [version(requirement.name)], f"{requirement.name}; run: make test"


def test_conda_environment_is_the_project() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    conda_names = {"matplotlib-base": "matplotlib"}
    listed = {}
    for entry in environment["dependencies"]:
        assert isinstance(entry, str), "a pip list would make Binder solve again for every commit"
        name, specifier = re.fullmatch(r"([a-z0-9-]+)(.*)", entry).groups()
        listed[conda_names.get(name, name)] = specifier
    python = listed.pop("python")
    assert re.fullmatch(r"=3\.\d+", python), "pin Python, or Binder chooses one"
    assert SpecifierSet(PROJECT["project"]["requires-python"]).contains(python[1:] + ".0")
    assert listed.pop("pip") == ""
    wanted = {requirement.name: requirement.specifier for requirement in required()}
    assert {name: SpecifierSet(text) for name, text in listed.items()} == wanted
    assert environment["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.skipif(sys.platform == "win32", reason="repo2docker does not run on Windows")
def test_binder_reads_the_environment_and_runs_post_build(tmp_path: Path) -> None:
    for name in ("environment.yml", "postBuild", "pyproject.toml", "requirements.lock"):
        shutil.copy2(ROOT / name, tmp_path)
    command = [sys.executable, "-m", "repo2docker", "--no-build", "--debug", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    pinned = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"][0]
    assert f"Building conda environment for {pinned}" in said
    assert '--file "environment.yml"' in said
    assert "RUN ./postBuild" in said
    assert "requirements.lock" not in said


def test_post_build_installs_the_course_and_nothing_else() -> None:
    script = ROOT / "postBuild"
    assert script.stat().st_mode & 0o111, "postBuild must be executable"
    text = script.read_text(encoding="utf-8")
    assert "--no-deps --editable ." in text
    assert "helpers/start.py settings" in text
    subprocess.run(["bash", "-n", str(script)], check=True)


def test_no_file_names_a_registry() -> None:
    files = tracked()
    assert len(files) > 50
    for path in files:
        content = path.read_bytes().lower()
        for host in REGISTRIES:
            assert host.encode() not in content, f"{path.relative_to(ROOT)} names {host}"


def test_the_start_script_can_be_read_by_an_old_python() -> None:
    ast.parse(Path(start.__file__).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; .* is 3\.9"):
        start.check_python()


def test_a_python_without_venv_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        start.check_python()


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The start script, working on another folder."""
    monkeypatch.setattr(start, "ROOT", tmp_path)
    monkeypatch.setattr(start, "VENV", tmp_path / ".venv")
    for name in ("pyproject.toml", *start.LOCKS.values()):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, tmp_path / name)
    start.venv_python().parent.mkdir(parents=True)
    start.venv_python().touch()
    return tmp_path


def test_an_environment_is_complete_until_its_lock_changes(elsewhere: Path) -> None:
    assert not start.is_installed("lab")
    start.stamp("lab").write_text(start.fingerprint("lab"))
    assert start.is_installed("lab")
    assert not start.is_installed("test")
    with (elsewhere / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert not start.is_installed("lab")


def test_a_complete_environment_is_left_alone(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start.stamp("lab").write_text(start.fingerprint("lab"))
    monkeypatch.setattr(start, "run", lambda *_: pytest.fail("it ran a command"))
    start.install("lab")


def test_everything_installed_is_checked_against_a_hash(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    monkeypatch.setattr(start, "run", lambda command, _: commands.append(command))
    start.install("test")
    installs = [command for command in commands if "install" in command]
    assert len(installs) == 2
    assert installs[0][-3:] == ["--require-hashes", "-r", "tests/requirements.lock"]
    assert "--no-deps" in installs[0]  # the lock is complete, and not to be argued with
    assert {"--no-deps", "--no-build-isolation"} <= set(installs[1])
    assert start.is_installed("lab")
    assert start.is_installed("test")


def test_a_failing_command_stops_with_its_own_words(capfd: pytest.CaptureFixture[str]) -> None:
    command = [sys.executable, "-c", "import sys; print('no such package', file=sys.stderr); 1/0"]
    with pytest.raises(SystemExit, match="Failed: "):
        start.run(command, "Trying ...")
    assert "no such package" in capfd.readouterr().err


def test_jupyterlab_settings_keep_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    path = tmp_path / "etc" / "jupyter" / "labconfig" / "default_setting_overrides.json"
    path.parent.mkdir(parents=True)
    path.write_text('{"other": {"theme": "dark"}}')
    start.write_settings()
    settings = json.loads(path.read_text())
    assert settings["other"] == {"theme": "dark"}
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    server = tmp_path / "etc" / "jupyter" / "jupyter_server_config.d"
    [config] = [json.loads(path.read_text()) for path in server.iterdir()]
    [extension] = config["ServerApp"]["jpserver_extensions"]
    assert hasattr(importlib.import_module(extension), "_load_jupyter_server_extension")


def make(*arguments: str) -> str:
    """What make prints; as from a fresh shell, even when these tests run under make."""
    fresh = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k != "MFLAGS"}
    for name in ("ARGS", "BROWSER", "NB", "PORT", "PYTHON", "UPGRADE"):
        fresh.pop(name, None)
    done = subprocess.run(
        ["make", *arguments], cwd=ROOT, env=fresh, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_make_passes_on_what_it_is_told() -> None:
    def plan(*arguments: str) -> str:
        return make("--dry-run", f"PYTHON={sys.executable}", *arguments)

    script = f"{sys.executable} helpers/start.py"
    assert plan("lab").split() == f"{script} lab".split()
    assert plan("lab", "PORT=8890", "BROWSER=no").split() == (
        f"{script} lab --port 8890 --no-browser".split()
    )
    assert plan("test", "ARGS=-k knee").split() == f"{script} test -k knee".split()
    for target in ("notebooks", "labs", "bench", "lint", "format", "lock"):
        assert plan(target).startswith(f"{script} install test")


def test_make_alone_lists_every_target() -> None:
    shown = make()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: help (.+)$", makefile, re.MULTILINE)[1].split()
    assert len(targets) > 5
    for target in targets:
        assert f"make {target}" in shown


def test_make_lab_serves_the_first_page() -> None:
    port, token = free_port(), "smoke"
    others = [f"--IdentityProvider.token={token}", "--ServerApp.ip=127.0.0.1"]
    command = start.lab_command(sys.executable, port, browser=False, others=others)
    server = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        page, address = _ask(f"http://127.0.0.1:{port}/?token={token}", server)
        assert f"/lab/tree/{start.FIRST_PAGE}" in address
        assert "JupyterLab" in page
        contents = f"http://127.0.0.1:{port}/api/contents/{start.FIRST_PAGE}?token={token}"
        notebook, _ = _ask(contents, server)
        assert json.loads(notebook)["type"] == "notebook"
    finally:
        server.terminate()
        server.communicate(timeout=30)


def _ask(address: str, server: subprocess.Popen[str]) -> tuple[str, str]:
    """What the server answers, and the address it led to."""
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                return answer.read().decode(), answer.url
        except urllib.error.HTTPError as error:
            pytest.fail(f"{address}: {error}")
        except OSError:
            if server.poll() is not None:
                pytest.fail(f"the server ended: {server.stderr.read()[-2000:]}")
            if time.monotonic() > deadline:
                pytest.fail("no answer in 60 s")
            time.sleep(0.1)
