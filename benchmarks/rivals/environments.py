"""A virtual environment for each rival under `.scratch/peers`, since their dependencies disagree."""

import subprocess
import sys
from collections.abc import Callable, Container
from pathlib import Path

from benchmarks.measure import ROOT

PEERS = ROOT / ".scratch" / "peers"
REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "ccxt": ("ccxt==4.5.90", "orjson", "msgspec", "aiohttp"),
    "cryptofeed": ("cryptofeed==2.4.1",),
    "nautilus": ("nautilus_trader==1.221.0",),
    "hftbacktest": ("hftbacktest==2.4.4",),
    "eventsourcing": ("eventsourcing==9.5.6", "psycopg[binary]", "psycopg_pool", "msgspec"),
}
INSTALL_TIMEOUT_S = 1_200


def build(wanted: Container[str] = REQUIREMENTS, say: Callable[[str], None] = print) -> dict[str, Path]:
    """The interpreters of the rivals that are there or could be installed; what could not is said with the reason."""
    found: dict[str, Path] = {}
    for name, requirements in REQUIREMENTS.items():
        if name not in wanted:
            continue
        python = PEERS / name / "bin" / "python"
        stamp = PEERS / name / ".installed"
        pinned = " ".join(requirements)
        if not (stamp.exists() and stamp.read_text() == pinned):
            say(f"installing {pinned} into {PEERS / name}")
            reason = _install(PEERS / name, requirements)
            if reason:
                say(f"{name} could not be installed and is left out: {reason}")
                continue
            stamp.write_text(pinned)
        found[name] = python
    return found


def _install(folder: Path, requirements: tuple[str, ...]) -> str:
    """Why it did not work, or an empty word."""
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, *requirements]):
        try:
            done = subprocess.run(command, capture_output=True, timeout=INSTALL_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            return f"not done after {INSTALL_TIMEOUT_S} s"
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            return said[-1] if said else f"exit {done.returncode}"
    return ""
