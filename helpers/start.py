"""Set the course up in ``.venv`` and open it. Needs nothing but Python 3.11 or newer.

    python helpers/start.py                 open the course in JupyterLab
    python helpers/start.py --no-browser --port 8890
    python helpers/start.py test            run every test (arguments go to pytest)
    python helpers/start.py install lab     set up only; ``install test`` adds what the tests need
    python helpers/start.py settings        Jupyter's defaults for the environment in use

The first time takes about a minute, later times a fraction of a second. ``make lab`` and
``make test`` call this file, so Windows and make-less machines lose nothing.
"""

# This file must be readable by an old Python, which is told what is wrong instead of failing on
# syntax: no annotations with |, no walrus, no match, no import of the course.

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
FIRST_PAGE = "notebooks/00_start_here.ipynb"
LOCKS = {"lab": "requirements.lock", "test": "tests/requirements.lock"}

#: Jupyter's defaults, by file below the environment's ``etc/jupyter``.
SETTINGS = {
    # JupyterLab's question about news, asked of everyone at the first start, is not asked here.
    "labconfig/default_setting_overrides.json": {
        "@jupyterlab/apputils-extension:notification": {
            "fetchNews": "false",
            "checkForUpdates": False,
        }
    },
    # Teachers' tools, if they are installed, stay out of a learner's sight.
    "labconfig/page_config.json": {"disabledExtensions": {"@jupyter/nbgrader": True}},
    "jupyter_server_config.d/system_design_course.json": {
        "ServerApp": {"jpserver_extensions": {"helpers.server": True}}
    },
}


def venv_python():
    """Path of the Python inside ``.venv``, there or not."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def check_python():
    """Stop with advice if this Python is too old or cannot make an environment."""
    if sys.version_info < OLDEST:
        sys.exit(
            "The course needs Python {}.{} or newer; {} is {}.{}.\nInstall a newer Python, or "
            "name one you have: make lab PYTHON=/path/to/python3.12".format(
                *OLDEST, sys.executable, *sys.version_info[:2]
            )
        )
    try:
        import ensurepip  # noqa: F401 - Debian and Ubuntu ship Python without it
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            f"This Python cannot make virtual environments ({sys.executable} lacks venv).\n"
            "On Debian or Ubuntu: sudo apt-get install python3-venv"
        )


def works(python):
    """Whether `python` runs and is new enough."""
    if not python.exists():
        return False
    test = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        return subprocess.call([str(python), "-c", test], **quiet) == 0
    except OSError:
        return False


def fingerprint(kind):
    """What an installed environment depends on, as a short text."""
    parts = [(ROOT / name).read_bytes() for name in (LOCKS[kind], "pyproject.toml")]
    return hashlib.sha256(b"\0".join([*parts, str(ROOT).encode()])).hexdigest()


def stamp(kind):
    """File that says the environment is complete."""
    return VENV / f".installed-{kind}"


def is_installed(kind):
    """Whether ``.venv`` holds exactly what the lock says."""
    try:
        return stamp(kind).read_text() == fingerprint(kind) and venv_python().exists()
    except OSError:
        return False


def run(command, say):
    """Run a command, showing seconds on a terminal; stop with its own words if it fails."""
    started = time.time()
    live = sys.stdout.isatty()
    print(say, end=" " if live else "\n", flush=True)
    process = subprocess.Popen(command, cwd=str(ROOT), stdin=subprocess.DEVNULL)
    while True:
        try:
            code = process.wait(timeout=1)
            break
        except subprocess.TimeoutExpired:
            if live:
                print(f"\r{say} {time.time() - started:.0f} s ", end="", flush=True)
        except KeyboardInterrupt:
            process.wait()
            sys.exit(130)
    if live:
        print(flush=True)
    if code:
        sys.exit("Failed: {}\n(Nothing is lost: run the same again.)".format(" ".join(command)))


def install(kind):
    """Bring ``.venv`` to what the lock says; instant if it is there already."""
    if is_installed(kind):
        return
    check_python()
    python = str(venv_python())
    if not works(venv_python()):
        clear = ["--clear"] if VENV.exists() else []  # e.g. its Python was upgraded away
        run([sys.executable, "-m", "venv", *clear, str(VENV)], "Making an environment in .venv ...")
    for old in LOCKS:
        if stamp(old).exists():
            stamp(old).unlink()
    lock = LOCKS[kind]
    packages = len(re.findall(r"^[A-Za-z0-9].*==", (ROOT / lock).read_text(), re.MULTILINE))
    # -qq: errors only. Versions and hashes come from the lock, the build tool included.
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-qq"]
    say = f"Installing {packages} packages (about a minute, only this once) ..."
    # The lock is complete. Resolving it again is slow, and old versions of pip get it wrong: once a
    # newer coverage is out, they do not see that "coverage[toml]" is the coverage that is pinned.
    run([*pip, "--no-deps", "--require-hashes", "-r", lock], say)
    run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], "Installing the course ...")
    run([python, __file__, "settings"], "Setting JupyterLab up ...")
    for done in ("lab",) if kind == "lab" else ("lab", "test"):  # the test lock holds the other
        stamp(done).write_text(fingerprint(done))


def write_settings():
    """Give Jupyter the course's defaults, in the environment that runs this."""
    for name, settings in SETTINGS.items():
        path = Path(sys.prefix) / "etc" / "jupyter" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        there = json.loads(path.read_text()) if path.exists() else {}
        for section, values in settings.items():
            there.setdefault(section, {}).update(values)
        path.write_text(json.dumps(there, indent=2) + "\n")


def hand_over(command):
    """Become `command`, so that Ctrl-C and exit codes are its own."""
    path = os.pathsep.join([os.path.dirname(command[0]), os.environ.get("PATH", "")])
    environment = dict(os.environ, PATH=path)
    if os.name == "nt":
        sys.exit(subprocess.call(command, cwd=str(ROOT), env=environment))
    os.chdir(str(ROOT))
    sys.stdout.flush()
    os.execve(command[0], command, environment)


def lab_command(python, port=None, browser=True, others=()):
    """The command that opens the course in JupyterLab."""
    command = [str(python), "-m", "jupyterlab", "--LabApp.default_url=/lab/tree/" + FIRST_PAGE]
    if port:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command += ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]  # containers; Jupyter's token still guards the server
    return [*command, *others]


def test_command(python, arguments):
    """The command that runs the tests: on every core, and one more, as tests wait now and then.

    On four at most: each may have a browser and a kernel of its own.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    workers = str(min((cores or 1) + 1, 4))
    return [str(python), "-m", "pytest", "-n", workers, "--dist", "loadscope", *arguments]


def main():
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what", nargs="?", default="lab", choices=("lab", "test", "install", "settings")
    )
    parser.add_argument("--port", type=int, help="port for JupyterLab; default: the first free")
    parser.add_argument("--no-browser", action="store_true", help="only start the server")
    parser.add_argument(
        "--here", action="store_true", help="test with the Python that runs this; install nothing"
    )
    options, others = parser.parse_known_args()
    if options.what == "install":
        if others not in (["lab"], ["test"]):
            parser.error("install what? lab or test")
        install(others[0])
    elif options.what == "settings":
        write_settings()
    elif options.what == "test":
        if not options.here:
            install("test")
        hand_over(test_command(sys.executable if options.here else venv_python(), others))
    else:
        install("lab")
        hand_over(lab_command(venv_python(), options.port, not options.no_browser, others))


if __name__ == "__main__":
    main()
