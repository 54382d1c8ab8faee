"""The lint on strategies as a configuration names them: those of ours are linted by the tests, others before they run."""

import inspect
from pathlib import Path

from app.output import remark
from state.errors import ConfigurationError
from streams.lint import Finding, lint_source
from streams.strategies.registry import STRATEGIES, find


def lint_file(path: Path) -> list[Finding]:
    """Findings of one file, in order of lines; raises `ConfigurationError` where it cannot be read or is not Python."""
    try:
        return lint_source(path.read_text(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except SyntaxError as error:
        raise ConfigurationError(f"{path}:{error.lineno}: is not Python: {error.msg}") from error


def impurities(kind: str) -> list[Finding]:
    """Findings in the file of a strategy, in order of lines; of one that is shipped there are none.

    It looks at the file of the function itself; what that imports from other files is watched by the guard as it runs.
    """
    source = None if kind in STRATEGIES else inspect.getsourcefile(find(kind).function)
    return [] if source is None else lint_file(Path(source))


def refuse_impure(kind: str) -> None:
    """Raises `ConfigurationError` with file and line of the first finding in the file of a strategy."""
    findings = impurities(kind)
    if findings:
        more = f" (and {len(findings) - 1} more: tapeline lint {findings[0].path})" if len(findings) > 1 else ""
        raise ConfigurationError(f"strategy {kind!r} would not decide the same in a replay: {findings[0]}{more}")


def remark_impure(kind: str) -> None:
    """Says on standard error what in the file of a strategy may make the same run another one next time."""
    for finding in impurities(kind):
        remark(f"may not be the same every time: {finding}")
