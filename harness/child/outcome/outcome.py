"""Splits the setup for outcome.c, and describes what the roles do. Runs in the target's interpreter."""
import ast
import builtins
import sys
import types

DEFINITIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
IMPORTS = ast.Import, ast.ImportFrom


def names_of(node):
    """The names that are bound, and those that are read, anywhere inside."""
    bound, read = set(), set()
    for child in ast.walk(node):
        if isinstance(child, ast.Name):
            (read if isinstance(child.ctx, ast.Load) else bound).add(child.id)
        elif isinstance(child, DEFINITIONS):
            bound.add(child.name)
        elif isinstance(child, ast.alias):
            bound.add((child.asname or child.name).partition('.')[0])
        elif isinstance(child, ast.Global):
            bound.update(child.names)
    if isinstance(node, ast.AugAssign):
        read |= bound
    return bound, read


def loads(*texts):
    return {child.id for text in texts for child in ast.walk(ast.parse(text)) if isinstance(child, ast.Name)}


def is_shared(value):
    return not isinstance(value, (types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType))


def is_bare(node):
    """A class without code of its own, which no instance changes."""
    return (isinstance(node, ast.ClassDef) and not node.decorator_list and not node.keywords and not node.bases
            and all(isinstance(part, ast.Pass) or isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)
                    for part in node.body))


def split(setup, inputs, roles, expressions, names):
    """The code that makes the objects of the roles anew; the names that stay as they are, because only imports bind
    them; and the names of the shared objects."""
    nodes = [(node, *names_of(node)) for node in ast.parse(setup).body]
    used = loads(*roles)
    needed = used | loads(*expressions)
    for node, bound, read in nodes:
        if isinstance(node, ast.Expr) or not bound:
            needed |= read
    # A definition is a part of what its user does; any other statement only makes an object.
    for closure, kinds in ((used, DEFINITIONS), (needed, ast.stmt)):
        size = -1
        while size != len(closure):
            size = len(closure)
            for node, bound, read in nodes:
                if isinstance(node, kinds) and bound & closure:
                    closure |= read | bound
        needed |= used
    kept = [node for node, bound, _ in nodes if isinstance(node, IMPORTS) or is_bare(node) and not bound & used]
    imported = {name for node, bound, _ in nodes if node in kept for name in bound}
    made = [(node, bound) for node, bound, read in nodes if node not in kept
            and (isinstance(node, ast.Expr) or not bound or (bound | (read - imported)) & needed)
            and not (isinstance(node, DEFINITIONS) and not bound & needed)]
    fresh = set(inputs) & needed | {name for _, bound in made for name in bound}
    code = compile(ast.Module([node for node, _ in made], []), 'setup', 'exec')
    shared = sorted(name for name in used & fresh if name in names and is_shared(names[name]))
    return code, sorted(imported & set(names)), shared


def module_of(value):
    return str(getattr(value, '__module__', None) or type(value).__module__).partition('.')[0]


def path_of(node):
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


class Operations(ast.NodeVisitor):
    """Counts what may touch shared objects: `direct` operations have one as an operand; the others use the value of
    another operation."""

    def __init__(self, names, shared):
        self.names, self.shared = names, shared
        self.direct = self.derived = 0
        self.setup = self.library = False
        self.functions = []

    def is_direct(self, node):
        return isinstance(node, ast.Name) and node.id in self.shared

    def count(self, operands, function=None, n=1):
        if any(map(self.is_direct, operands)):
            self.direct += n
            self.functions.append(function)
        elif any(isinstance(node, (ast.Call, ast.Attribute, ast.Subscript, ast.BinOp)) for node in operands):
            self.derived += n

    def type_of(self, node):
        return type(self.names.get(node.id)) if self.is_direct(node) else None

    def member(self, node, name):
        kind = self.type_of(node)
        self.look_at(getattr(kind, name, None))
        return kind and f'{kind.__module__}.{kind.__qualname__}.{name}'

    def look_at(self, value):
        """Python code is several operations, of a package or not. CPython's library does not promise that it is one."""
        if isinstance(value, types.FunctionType) and module_of(value) in sys.stdlib_module_names:
            self.library = True

    def value_of(self, path):
        value = self.names.get(path[0], vars(builtins).get(path[0]))
        for name in path[1:]:
            if not isinstance(value, types.ModuleType):
                return None
            value = getattr(value, name, None)
        return value

    def visit_Call(self, node):
        operands = [*node.args, *(keyword.value for keyword in node.keywords)]
        path = path_of(node.func)
        value = self.value_of(path) if path else None
        function = None
        if path and path[0] in self.shared and isinstance(node.func, ast.Attribute):
            function = self.member(node.func.value, node.func.attr)
            operands.append(node.func.value)
            self.visit(node.func.value)
        elif path and path[0] in self.shared:
            function = self.member(node.func, '__call__')
            operands.append(node.func)
        elif value is not None:
            self.look_at(value)
            module, name = getattr(value, '__module__', None), getattr(value, '__qualname__', path[-1])
            function = f'{module}.{name}' if module else name
            own = [operand for operand in operands if self.is_direct(operand)]
            if module == 'builtins' and own and path[-1] in ('next', 'iter', 'len', 'hash', 'bool', 'repr', 'str', 'int'):
                function = self.member(own[0], f'__{path[-1]}__')
            if isinstance(value, (types.FunctionType, type)) and module == '__ftstress__':
                self.setup = True
                function = None
        elif not path:
            if isinstance(node.func, ast.Attribute):
                operands.append(node.func.value)
            self.visit(node.func)
        elif path:
            operands.append(node.func)
        hidden = value is not None and not operands and module_of(value) not in sys.stdlib_module_names
        if hidden or self.setup:
            self.direct += 1
            self.functions.append(function)
        else:
            self.count(operands, function)
        for operand in operands:
            if not isinstance(operand, ast.Name):
                self.visit(operand)

    def visit_AugAssign(self, node):
        target = node.target
        if isinstance(target, ast.Name):
            name = f'__i{type(node.op).__name__.lower()}__'
            self.count([target, node.value], self.member(target, name))
        else:
            self.count([target.value], None, 3)
            self.visit(target.value)
        self.visit(node.value)

    def visit_Attribute(self, node):
        path = path_of(node)
        if not (path and isinstance(self.value_of(path[:-1]), types.ModuleType)):
            self.count([node.value], self.member(node.value, node.attr))
        self.generic_visit(node)

    def visit_Subscript(self, node):
        names = {ast.Load: '__getitem__', ast.Store: '__setitem__', ast.Del: '__delitem__'}
        self.count([node.value, node.slice], self.member(node.value, names[type(node.ctx)]))
        self.generic_visit(node)

    def visit_BinOp(self, node):
        name = f'__{type(node.op).__name__.lower()}__'
        self.count([node.left, node.right], self.member(node.left, name) or self.member(node.right, name))
        self.generic_visit(node)

    def visit_Compare(self, node):
        for operator in node.ops:
            name = '__contains__' if isinstance(operator, (ast.In, ast.NotIn)) else '__eq__'
            self.count([node.left, *node.comparators], self.member(node.comparators[0], name))
        self.generic_visit(node)

    def visit_UnaryOp(self, node):
        self.count([node.operand])
        self.generic_visit(node)

    def generic_visit(self, node):
        # Statements around others, and loops, do their parts one after the other.
        if isinstance(node, (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.comprehension)):
            self.derived += 1
        super().generic_visit(node)


def describe(source, names, shared):
    """How the statement touches shared objects (one, several or unclear operations, or code of the setup), and the
    function of a single operation."""
    seen = Operations(names, set(shared))
    seen.visit(ast.parse(source))
    functions = [function for function in seen.functions if function]
    if seen.setup or any(function.startswith('__ftstress__.') for function in functions):
        kind = 'setup'
    elif seen.direct > 1:
        kind = 'several'
    elif seen.direct == 1 and not seen.derived and not seen.library:
        kind = 'one'
    else:
        kind = 'unclear'
    function = functions[0] if len(functions) == 1 and kind in ('one', 'unclear') else ''
    top = function.partition('.')[0]
    plain = bool(function) and ('.' not in function or top in sys.stdlib_module_names)
    return kind, function.removeprefix('builtins.'), plain
