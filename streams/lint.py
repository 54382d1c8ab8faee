"""A lint for determinism: what would make a replay decide otherwise, found in the source before it runs.

Windows that look ahead are found too: they decide one thing on recorded data and another live. So is what a module keeps
from run to run.
It reads names, not types: what comes in under another name (a clock passed as an argument, a set returned by somebody
else's function) it does not see; the guard in `streams/guard.py` sees the first while it runs, and a verify under another
hash seed the second. `print` and logging are let through, since they decide nothing.
"""

import ast
import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

from streams.lint_ahead import looks_ahead
from streams.lint_kept import kept
from streams.lint_words import FORBIDDEN, METHODS, ORDERED, ORDERLESS, RETURNED, SEEDED, SET_METHODS, ZONED

_SET_NAMES = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"})
_SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One place that is not deterministic."""

    path: str
    line: int
    what: str
    use: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: error: {self.what}, use {self.use}"


def lint_source(source: str, path: str = "<strategy>") -> list[Finding]:
    """Findings in order of lines; raises `SyntaxError` where `source` is not Python."""
    tree = ast.parse(source, path)
    reader = _Reader(path)
    reader.read(tree)
    found = {Finding(path, line, what, use) for line, what, use in kept(tree)}
    return sorted(reader.findings | found)


class _Reader(ast.NodeVisitor):
    """Walks one module in source order, knowing what names were imported as and which of them hold sets."""

    def __init__(self, path: str) -> None:
        self.findings: set[Finding] = set()
        self._path = path
        self._imported: dict[str, str] = {}  # name -> dotted name
        self._scopes: list[dict[str, bool]] = [{}]  # name -> holds a set
        self._set_attributes: set[str] = set()  # of self
        self._set_functions: set[str] = set()

    def read(self, tree: ast.Module) -> None:
        for node in ast.walk(tree):
            self._learn(node)
        for statement in tree.body:  # functions run after the module: they see its names as they end up
            if isinstance(statement, ast.Assign | ast.AnnAssign):
                self._assign(statement)
            elif isinstance(statement, ast.FunctionDef | ast.ClassDef):
                self._scopes[0][statement.name] = False
        self.visit(tree)

    def _learn(self, node: ast.AST) -> None:
        """What holds for the whole module."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                self._imported[name] = alias.name if alias.asname else name
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                self._imported[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.FunctionDef) and _is_set_type(node.returns):
            self._set_functions.add(node.name)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if _is_self(target) and self._is_set(node.value):
                    self._set_attributes.add(target.attr)
        elif isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation):
            if _is_self(node.target):
                self._set_attributes.add(node.target.attr)
            elif isinstance(node.target, ast.Name):
                self._set_attributes.add(node.target.id)  # a field of a class, where it stands in one

    # --- scopes ---

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for outside in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
            self.visit(outside)
        self._scopes[-1].setdefault(node.name, False)
        arguments = node.args
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
        starred = (argument.arg for argument in (arguments.vararg, arguments.kwarg) if argument is not None)
        self._scopes.append(
            {argument.arg: _is_set_type(argument.annotation) for argument in every} | dict.fromkeys(starred, False)
        )
        for statement in node.body:
            self.visit(statement)
        self._scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (the visitor's name for it)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._scopes.append({argument.arg: False for argument in node.args.args})
        self.visit(node.body)
        self._scopes.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        self._assign(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
        self._assign(node)

    def _assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        targets: Sequence[ast.expr] = node.targets if isinstance(node, ast.Assign) else (node.target,)
        for target in targets:
            if isinstance(target, ast.Name):
                annotated = isinstance(node, ast.AnnAssign) and _is_set_type(node.annotation)
                self._scopes[-1][target.id] = annotated or (node.value is not None and self._is_set(node.value))
            else:
                self._bind(target)

    def _bind(self, target: ast.expr) -> None:
        """Names that get values of which nothing is known."""
        for part in ast.walk(target):
            if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
                self._scopes[-1][part.id] = False

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._scopes[-1][node.target.id] = self._is_set(node.value)

    def visit_withitem(self, node: ast.withitem) -> None:
        self.visit(node.context_expr)
        if node.optional_vars is not None:
            self._bind(node.optional_vars)

    # --- names ---

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._judge(node, self._dotted(node))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = self._dotted(node)
        if dotted is None:
            self.visit(node.value)
        if isinstance(node.ctx, ast.Load):
            self._judge(node, dotted)

    def visit_Call(self, node: ast.Call) -> None:
        dotted = self._dotted(node.func)
        arguments = (*node.args, *(keyword.value for keyword in node.keywords))
        if dotted in SEEDED and arguments:
            pass  # the call says what it starts from
        elif dotted is not None and dotted in ZONED:
            self._judge_zone(node, dotted)
        else:
            self.visit(node.func)
        self._judge_call(node, dotted)
        for argument in arguments:
            if not (dotted in ORDERLESS and isinstance(argument, ast.GeneratorExp)):
                self.visit(argument)
            else:
                self._comprehension(argument, is_ordered=False)

    def _judge(self, node: ast.expr, dotted: str | None) -> None:
        if dotted is None:
            return
        found = FORBIDDEN.get(dotted)
        parts = dotted.split(".")
        for length in range(len(parts) - 1, 0, -1):
            found = found or FORBIDDEN.get(".".join(parts[:length]) + ".*") or FORBIDDEN.get(".".join(parts[:length]))
        if found is not None:
            self._find(node, f"{dotted} {found[0]}", found[1])

    def _judge_zone(self, node: ast.Call, dotted: str) -> None:
        place = ZONED[dotted]
        is_zoned = place >= 0 and (len(node.args) > place or any(keyword.arg == "tz" for keyword in node.keywords))
        if not is_zoned:
            self._find(node, f"{dotted} takes the machine's time zone", "tz=UTC")

    def _judge_call(self, node: ast.Call, dotted: str | None) -> None:
        function = node.func
        if dotted in ("id", "hash"):
            self._find(node, f"{dotted}() differs from run to run", "a name or a seq")
        ahead = looks_ahead(node, dotted)
        if ahead is not None:
            self._find(node, *ahead)
        for keyword in node.keywords:
            if keyword.arg == "key" and self._dotted(keyword.value) in ("id", "hash"):
                self._find(node, "an order by id or hash differs from run to run", "a name or a seq")
        if isinstance(function, ast.Attribute):
            found = METHODS.get(function.attr)
            if found is not None:
                self._find(node, f".{function.attr}() {found[0]}", found[1])
            if function.attr == "subscribe" and _is_unowned(node):
                self._find(
                    node, ".subscribe() without a scheduler is nobody's: what it raises ends the session", RETURNED
                )
            if function.attr == "astimezone" and not node.args and not node.keywords:
                self._find(node, ".astimezone() takes the machine's time zone", "tz=UTC")
            if function.attr == "pop" and not node.args and self._is_set(function.value):
                self._find(node, "set.pop() takes any element", "a list, a dict or min()")
        keeps = dotted in ORDERED or (isinstance(function, ast.Attribute) and function.attr in ("join", "extend"))
        has_key = any(keyword.arg == "key" for keyword in node.keywords)
        if keeps or (dotted in ("min", "max") and has_key):
            for argument in node.args:
                self._iterated(argument.value if isinstance(argument, ast.Starred) else argument)

    # --- iteration over sets ---

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._iterated(node.iter)
        self.visit(node.iter)
        self._bind(node.target)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_Starred(self, node: ast.Starred) -> None:
        self._iterated(node.value)
        self.visit(node.value)

    def visit_Set(self, node: ast.Set) -> None:
        for element in node.elts:  # unpacking a set into a set loses no order
            self.visit(element.value if isinstance(element, ast.Starred) else element)

    def visit_YieldFrom(self, node: ast.YieldFrom) -> None:
        self._iterated(node.value)
        self.visit(node.value)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._comprehension(node, is_ordered=True)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._comprehension(node, is_ordered=True)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._comprehension(node, is_ordered=True)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._comprehension(node, is_ordered=False)

    def _comprehension(
        self, node: ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp, *, is_ordered: bool
    ) -> None:
        self._scopes.append({})
        for generator in node.generators:
            if is_ordered:
                self._iterated(generator.iter)
            self.visit(generator.iter)
            self._bind(generator.target)
            for condition in generator.ifs:
                self.visit(condition)
        for result in _results(node):
            self.visit(result)
        self._scopes.pop()

    def _iterated(self, node: ast.expr) -> None:
        if self._is_set(node):
            self._find(node, "the order of a set differs from run to run", "sorted(...) or a dict")

    def _is_set(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in reversed(self._scopes) if node.id in scope), False)
        if isinstance(node, ast.Attribute):
            return _is_self(node) and node.attr in self._set_attributes
        if isinstance(node, ast.BinOp) and isinstance(node.op, _SET_OPERATORS):
            return any(self._is_set(side) or _is_keys(side) for side in (node.left, node.right))
        if isinstance(node, ast.IfExp):
            return self._is_set(node.body) or self._is_set(node.orelse)
        if isinstance(node, ast.BoolOp):
            return any(self._is_set(value) for value in node.values)
        if isinstance(node, ast.NamedExpr):
            return self._is_set(node.value)
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                return self._dotted(function) in ("set", "frozenset") or function.id in self._set_functions
            if isinstance(function, ast.Attribute):
                is_method = function.attr in SET_METHODS and self._is_set(function.value)
                return is_method or (_is_self(function) and function.attr in self._set_functions)
        return False

    # --- words ---

    def _dotted(self, node: ast.expr) -> str | None:
        """The full name of what an expression names; None where it is nobody's name, or one given in this module."""
        if isinstance(node, ast.Name):
            if any(node.id in scope for scope in self._scopes):
                return None
            return self._imported.get(node.id) or (node.id if hasattr(builtins, node.id) else None)
        if isinstance(node, ast.Attribute):
            of = self._dotted(node.value)
            return None if of is None else f"{of}.{node.attr}"
        return None

    def _find(self, node: ast.expr, what: str, use: str) -> None:
        self.findings.add(Finding(self._path, node.lineno, what, use))


def _is_unowned(subscribing: ast.Call) -> bool:
    """True where somebody listens without a scheduler, by which a session knows whose subscription it is."""
    names = [keyword.arg for keyword in subscribing.keywords]
    return bool(subscribing.args or names) and not any(name in ("scheduler", None) for name in names)


def _is_self(node: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _is_keys(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("keys", "items")


def _is_set_type(annotation: ast.expr | None) -> bool:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return annotation.value.partition("[")[0].strip() in _SET_NAMES
    if isinstance(annotation, ast.Subscript):
        return _is_set_type(annotation.value)
    if isinstance(annotation, ast.BinOp):
        return _is_set_type(annotation.left) or _is_set_type(annotation.right)
    name = annotation.attr if isinstance(annotation, ast.Attribute) else getattr(annotation, "id", None)
    return name in _SET_NAMES


def _results(node: ast.ListComp | ast.GeneratorExp | ast.DictComp | ast.SetComp) -> Iterator[ast.expr]:
    if isinstance(node, ast.DictComp):
        yield node.key
        yield node.value
    else:
        yield node.elt
