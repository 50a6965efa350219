"""A lab's checks, compiled so that they trust nothing of what they judge.

A check runs with names of its own: the lab's, Python's, and what it binds itself. The submission's
names are its answers; the compiled check reads and binds them through `ANSWERS`, so that it neither
overwrites a helper of the student's nor meets one where it means Python's ``len``. Every value on
its way from the submission into the check passes `PLAIN`, which refuses what redefines equality.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable
from types import CodeType

from helpers.authoring.grading.room.judge import ANSWER, ANSWERS, EACH, OURS, PLAIN, VALUE

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_BUILTINS = frozenset(dir(builtins))


def bound(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that statements bind in the scope they stand in."""
    names: set[str] = set()
    declared: set[str] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= set(imported(node))
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            names.add(node.rest)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            declared |= set(node.names)
        if isinstance(node, _DEFINITIONS):
            names.add(node.name)
            waiting += node.decorator_list
        elif isinstance(node, _COMPREHENSIONS):  # only a walrus leaves it
            waiting += [one.target for one in ast.walk(node) if isinstance(one, ast.NamedExpr)]
        elif not isinstance(node, ast.Lambda):
            waiting += ast.iter_child_nodes(node)
    return names - declared


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Names that an import binds."""
    return [(alias.asname or alias.name).split(".")[0] for alias in node.names]


def free(source: str) -> set[str]:
    """Names that code takes from outside.

    Raises
    ------
    SyntaxError
        If `source` is not Python.
    """
    tree = ast.parse(source)
    found: set[str] = set()

    def look(node: ast.AST, local: frozenset[str]) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in local:
            found.add(node.id)
        inner = local | _locals_of(node)
        for child in ast.iter_child_nodes(node):
            look(child, inner)

    look(tree, frozenset())
    return found - bound(tree.body)


def _locals_of(node: ast.AST) -> frozenset[str]:
    """Names local to a function, a lambda or a comprehension."""
    if isinstance(node, _FUNCTIONS):
        every = node.args
        body = node.body if isinstance(node.body, list) else [node.body]
        given = [*every.posonlyargs, *every.args, *every.kwonlyargs, every.vararg, every.kwarg]
        return frozenset(bound(body) | {one.arg for one in given if one})
    if isinstance(node, _COMPREHENSIONS):
        return frozenset(bound(part.target for part in node.generators))
    return frozenset()


def _declared_global(node: ast.AST) -> frozenset[str]:
    """Names that a function declares to be global."""
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return frozenset()
    found = [one.names for one in _walk_scope(node.body) if isinstance(one, ast.Global)]
    return frozenset(name for names in found for name in names)


def _walk_scope(nodes: Iterable[ast.AST]) -> Iterable[ast.AST]:
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, (*_DEFINITIONS, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)


def compiled(
    source: str,
    filename: str,
    answers: Collection[str],
    trusted: Collection[str] = (),
    *,
    wary: bool = True,
) -> CodeType:
    """Compile a check, or code that the lab gives.

    Parameters
    ----------
    source : str
        Python, without magics.
    filename : str
        What a traceback calls it.
    answers : collection of str
        Names that belong to the submission.
    trusted : collection of str, optional
        Names of the lab's, whose values need no look.
    wary : bool, optional
        Whether values are looked at: in a check they are, in given code not.

    Returns
    -------
    code
        To be run with the names that ``room.judge.names_for`` returns. The value of a last
        expression is left in `VALUE`.

    Raises
    ------
    SyntaxError
        If `source` is not Python.
    """
    tree = ast.parse(source, filename)
    rewriter = _Rewriter(answers, set(trusted) - bound(tree.body), wary=wary)
    tree.body = rewriter.statements(tree.body)
    if isinstance(tree.body[-1], ast.Expr):
        last = tree.body[-1]
        kept = ast.Assign(targets=[ast.Name(VALUE, ast.Store())], value=last.value)
        tree.body[-1] = ast.copy_location(kept, last)
    code = compile(
        ast.fix_missing_locations(tree),
        filename,
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
        optimize=0,  # asserts stay, whatever PYTHONOPTIMIZE says
    )
    assert isinstance(code, CodeType)
    return code


class _Rewriter(ast.NodeTransformer):
    """Lead a check's names and values through those of ``room.judge``."""

    def __init__(self, answers: Collection[str], trusted: Collection[str], *, wary: bool) -> None:
        self._answers = frozenset(answers)
        self._trusted = frozenset(trusted) | _BUILTINS
        self._wary = wary
        self._scopes: list[tuple[frozenset[str], frozenset[str]]] = []

    def statements(self, many: Iterable[ast.stmt]) -> list[ast.stmt]:
        """Rewrite a block."""
        made: list[ast.stmt] = []
        for node in many:
            result = self.visit(node)
            made += result if isinstance(result, list) else [result]
        return made or [ast.Pass()]

    def _is_local(self, name: str) -> bool:
        for local, everywhere in reversed(self._scopes):
            if name in everywhere:
                return False
            if name in local:
                return True
        return False

    def _is_answer(self, name: str) -> bool:
        return name in self._answers and not self._is_local(name)

    def _call(self, name: str, argument: ast.expr, at: ast.AST) -> ast.expr:
        made = ast.Call(func=ast.Name(name, ast.Load()), args=[argument], keywords=[])
        return ast.copy_location(made, at)

    def _looked_at(self, node: ast.expr) -> ast.expr:
        return self._call(PLAIN, node, node) if self._wary else node

    def _each(self, node: ast.expr) -> ast.expr:
        return self._call(EACH, node, node) if self._wary else node

    def _place(self, name: str, context: ast.expr_context, at: ast.AST) -> ast.expr:
        key = ast.Constant(name)
        made = ast.Subscript(value=ast.Name(ANSWERS, ast.Load()), slice=key, ctx=context)
        return ast.copy_location(made, at)

    def _base(self, node: ast.expr) -> ast.expr:
        """Rewrite what an attribute, an item or a call is taken of: what comes out is looked at."""
        if isinstance(node, ast.Name):
            if self._is_answer(node.id):
                return self._call(ANSWER, ast.Constant(node.id), node)
            return node
        if isinstance(node, ast.Attribute | ast.Subscript):
            node.value = self._base(node.value)
            if isinstance(node, ast.Subscript):
                node.slice = self.visit(node.slice)
            return node
        return self.visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id in ("super", "__class__"):
            return node
        if self._is_answer(node.id):
            if isinstance(node.ctx, ast.Load):
                return self._call(ANSWER, ast.Constant(node.id), node)
            return self._place(node.id, node.ctx, node)
        known = node.id in self._trusted and not self._is_local(node.id)
        return node if known or not isinstance(node.ctx, ast.Load) else self._looked_at(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        node.value = self._base(node.value)
        return self._looked_at(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        node.value = self._base(node.value)
        node.slice = self.visit(node.slice)
        return self._looked_at(node) if isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        target = node.func
        if isinstance(target, ast.Name) and target.id == "globals" and not node.args:
            return ast.copy_location(ast.Name(ANSWERS, ast.Load()), node)
        node.func = self._base(target)
        node.args = [self.visit(one) for one in node.args]
        for word in node.keywords:
            word.value = self.visit(word.value)
        return self._looked_at(node)

    def visit_Starred(self, node: ast.Starred) -> ast.expr:
        node.value = self.visit(node.value)
        if isinstance(node.ctx, ast.Load):
            node.value = self._each(node.value)
        return node

    def visit_NamedExpr(self, node: ast.NamedExpr) -> ast.expr:
        node.value = self.visit(node.value)  # its target can be nothing but a name
        return node

    def visit_Await(self, node: ast.Await) -> ast.expr:
        self.generic_visit(node)
        return self._looked_at(node)

    def visit_Yield(self, node: ast.Yield) -> ast.expr:
        self.generic_visit(node)
        return self._looked_at(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        self.generic_visit(node)
        node.simple = int(isinstance(node.target, ast.Name))
        return node

    def visit_For(self, node: ast.For) -> ast.stmt:
        self.generic_visit(node)
        node.iter = self._each(node.iter)
        return node

    def visit_match_case(self, node: ast.match_case) -> ast.match_case:
        node.guard = node.guard and self.visit(node.guard)
        node.body = self.statements(node.body)  # a pattern holds no calls
        return node

    def _comprehension(self, node: ast.expr) -> ast.expr:
        self._scopes.append((_locals_of(node), frozenset()))
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self.generic_visit(node)
        if not node.is_async:
            node.iter = self._each(node.iter)
        return node

    def _arguments(self, node: ast.arguments) -> None:
        node.defaults = [self.visit(one) for one in node.defaults]
        node.kw_defaults = [one and self.visit(one) for one in node.kw_defaults]

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        self._arguments(node.args)
        self._scopes.append((_locals_of(node), frozenset()))
        node.body = self.visit(node.body)
        self._scopes.pop()
        return node

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.stmt]:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        self._arguments(node.args)
        self._scopes.append((_locals_of(node), _declared_global(node)))
        node.body = self.statements(node.body)
        self._scopes.pop()
        return [node, *self._handed_on([node.name], node)]

    visit_FunctionDef = visit_AsyncFunctionDef = _function  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> list[ast.stmt]:
        node.decorator_list = [self.visit(one) for one in node.decorator_list]
        node.bases = [self.visit(one) for one in node.bases]
        for word in node.keywords:
            word.value = self.visit(word.value)
        # A class sees its own names; the functions in it do not.
        seen = (frozenset(bound(node.body)), frozenset[str]())
        body: list[ast.stmt] = []
        for one in node.body:
            if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef):
                body += self._function(one)[:1]
            else:
                self._scopes.append(seen)
                body += self.statements([one])
                self._scopes.pop()
        node.body = body
        if self._wary:
            node.decorator_list.append(ast.copy_location(ast.Name(OURS, ast.Load()), node))
        return [node, *self._handed_on([node.name], node)]

    def visit_Global(self, node: ast.Global) -> ast.stmt:
        node.names = [one for one in node.names if one not in self._answers]
        return node if node.names else ast.copy_location(ast.Pass(), node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        return [node, *self._handed_on(imported(node), node)]

    visit_Import = visit_ImportFrom = _import  # noqa: N815

    def _handed_on(self, names: Iterable[str], at: ast.AST) -> list[ast.stmt]:
        """Give the submission what a definition or an import binds under an answer's name."""
        return [
            ast.copy_location(
                ast.Assign(
                    targets=[self._place(one, ast.Store(), at)], value=ast.Name(one, ast.Load())
                ),
                at,
            )
            for one in names
            if self._is_answer(one)
        ]
