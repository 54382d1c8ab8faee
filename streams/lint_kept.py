"""What a module keeps from run to run: what stands at its top and is written into by a function; for the lint.

Replays, sweeps and forks run a strategy many times in one process. What one run leaves there the next one finds, and no
checkpoint has it: state belongs into variables of the strategy's own function, where `streams/closures.py` finds it.
"""

import ast
from collections.abc import Iterator, Sequence
from typing import Final

OWN: Final = "a variable of the strategy's own function"
_CONTAINERS: Final = frozenset(
    {"list", "dict", "set", "deque", "defaultdict", "Counter", "OrderedDict", "bytearray", "SortedDict", "SortedList"}
)
_DISPLAYS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_CHANGING: Final = frozenset(
    {
        "append", "appendleft", "extend", "extendleft", "insert", "remove", "pop", "popleft", "popitem", "clear", "update",
        "setdefault", "add", "discard", "sort", "reverse", "rotate", "subtract",
    }
)  # fmt: skip
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def kept(tree: ast.Module) -> list[tuple[int, str, str]]:
    """Line, what is done there, and what to use instead."""
    reader = _Reader(tree)
    reader.visit(tree)
    return reader.found


class _Reader(ast.NodeVisitor):
    def __init__(self, tree: ast.Module) -> None:
        self.found: list[tuple[int, str, str]] = []
        self._top = set(_bound(tree.body))
        self._containers = {name for statement in tree.body for name in _containers(statement)}
        self._local: list[set[str]] = []  # names of each function around, and which of them are classes
        self._classes: list[set[str]] = [_classes(tree.body)]

    # --- scopes ---

    def visit_FunctionDef(self, node: _Function) -> None:
        for outside in getattr(node, "decorator_list", ()):
            self.visit(outside)
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        rebound = {name for each in body for name in _declared(each)}
        self._local.append({*_arguments(node.args), *_bound(body)} - rebound)
        self._classes.append(_classes(body))
        for statement in body:
            self.visit(statement)
        self._local.pop()
        self._classes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 (the visitor's name for it)
    visit_Lambda = visit_FunctionDef  # noqa: N815

    # --- what is written into ---

    def visit_Global(self, node: ast.Global) -> None:
        if self._local:
            self._find(node.lineno, f"{', '.join(node.names)} at the top of the module is rebound")

    def visit_Assign(self, node: ast.Assign) -> None:
        self._written(node.targets)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        self._written(node.targets)
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._written([node.target])
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self._written([node.target])
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        function = node.func
        if self._local and isinstance(function, ast.Attribute) and function.attr in _CHANGING:
            name = _root(function.value)
            if name in self._containers and not self._is_local(name):
                self._find(node.lineno, f"{name} at the top of the module is written into")
        self.generic_visit(node)

    def _written(self, targets: Sequence[ast.expr]) -> None:
        for target in targets if self._local else ():
            if isinstance(target, ast.Tuple | ast.List):
                self._written(target.elts)
            elif isinstance(target, ast.Subscript | ast.Attribute):
                name = _root(target)
                if name in self._top and not self._is_local(name):
                    self._find(target.lineno, f"{name} at the top of the module is written into")
                elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and self._is_class(name):
                    self._find(target.lineno, f"the class {name} is written into")

    def _is_local(self, name: str) -> bool:
        return any(name in names for names in self._local)

    def _is_class(self, name: str) -> bool:
        return any(name in names for names in self._classes)

    def _find(self, line: int, what: str) -> None:
        self.found.append((line, f"{what}: the next run in this process finds it, and no checkpoint does", OWN))


def _root(node: ast.expr) -> str:
    """The name that an attribute, an element or an element of one is of; empty where it is of none."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _within(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Everything in a scope but what stands in the scopes inside of it."""
    for node in nodes:
        yield node
        if not isinstance(node, _Function | ast.ClassDef):
            yield from _within(list(ast.iter_child_nodes(node)))


def _bound(body: Sequence[ast.AST]) -> Iterator[str]:
    for node in _within(body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _declared(statement: ast.AST) -> Iterator[str]:
    for node in _within([statement]):
        if isinstance(node, ast.Global):
            yield from node.names


def _classes(body: Sequence[ast.AST]) -> set[str]:
    return {node.name for node in _within(body) if isinstance(node, ast.ClassDef)}


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield argument.arg
    for starred in (arguments.vararg, arguments.kwarg):
        if starred is not None:
            yield starred.arg


def _containers(statement: ast.stmt) -> Iterator[str]:
    """Names that a statement at the top gives a container to."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or statement.value is None:
        return
    value = statement.value
    named = value.func if isinstance(value, ast.Call) else None
    called = named.attr if isinstance(named, ast.Attribute) else named.id if isinstance(named, ast.Name) else ""
    if isinstance(value, _DISPLAYS) or called in _CONTAINERS:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))
