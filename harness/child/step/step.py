"""Parses text into steps and describes them, for step_parse.c. Runs in the target's interpreter."""
import _ast as ast
import builtins
import gc
import sys
import types

TEXT_MAX = 511
HELD_LEVELS, HELD_OBJECTS = 3, 256
# What may be a constant without being one node.
LITERALS = ast.Tuple, ast.UnaryOp, ast.BinOp, ast.List, ast.Set, ast.Dict


def library():
    """The module ast, for what few statements need: its import, with re and enum, is slow, and each child would pay it."""
    import ast
    return ast


def walk(node):
    """The node and all below it, as ast.walk."""
    found = [node]
    for node in found:
        for value in (getattr(node, name, None) for name in node._fields):
            found += [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, ast.AST)]
    return found


def plain_source(node):
    """What ast.unparse gives for calls of names with names and simple constants; None for the others."""
    if isinstance(node, ast.Expr):
        return plain_source(node.value)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant):
        simple = type(node.value) is int or type(node.value) is str and node.value.isidentifier() and not node.kind
        return repr(node.value) if simple else None
    if isinstance(node, ast.Attribute):
        path = path_of(node)
        return path and '.'.join(path)
    if not isinstance(node, ast.Call) or node.keywords or not path_of(node.func):
        return None
    arguments = [plain_source(each) for each in node.args]
    return None if None in arguments else f"{plain_source(node.func)}({', '.join(arguments)})"


def source_of(node):
    return plain_source(node) or library().unparse(node)


def tree_of(text):
    return compile(text, '<unknown>', 'exec', ast.PyCF_ONLY_AST)


def is_immutable(value):
    """No call can change the value; a list, for example, would have to be new in each call."""
    if type(value) is tuple:
        return all(map(is_immutable, value))
    return value is None or type(value) in (bool, int, float, complex, str, bytes)


def path_of(node):
    """Split np.linalg.norm into its names, outermost first. None for other expressions."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return (node.id, *reversed(names)) if isinstance(node, ast.Name) else None


def argument_of(node):
    """A name, or a constant in a tuple."""
    if isinstance(node, ast.Name):
        return node.id
    if not isinstance(node, (ast.Constant, *LITERALS)):
        raise ValueError
    value = node.value if isinstance(node, ast.Constant) else library().literal_eval(node)
    if not is_immutable(value):
        raise ValueError
    return (value,)


def call_of(node):
    """Path, arguments and names of keywords of a plain call. None for other expressions: the code object then runs."""
    if not isinstance(node, ast.Call):
        return None
    path, keywords = path_of(node.func), tuple(keyword.arg for keyword in node.keywords)
    if path is None or None in keywords:
        return None
    try:
        arguments = tuple(map(argument_of, [*node.args, *(keyword.value for keyword in node.keywords)]))
    except Exception:
        return None
    return path, arguments, keywords or None


def target_of(node):
    """The only name that `y = ...` assigns, or None."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    return None


def is_length(node):
    """len(a.b)"""
    return (isinstance(node, ast.Call) and path_of(node.func) == ('len',) and len(node.args) == 1
            and bool(path_of(node.args[0])))


def names_of(node):
    """The names that are assigned (targets, imports, definitions), and those that are used."""
    assigned, used = set(), set()
    for child in walk(node):
        if isinstance(child, ast.Name):
            (used if isinstance(child.ctx, ast.Load) else assigned).add(child.id)
        assigned.update(name for name in (getattr(child, 'name', None), getattr(child, 'asname', None))
                        if isinstance(name, str))
    return assigned, used


def is_query(node, target):
    """One call or operator besides len, and no store but the target: it asks for a value, and changes nothing itself."""
    value = node.value if isinstance(node, ast.Expr) or target else None
    calls = [child for child in walk(node) if isinstance(child, (ast.Call, ast.Await, ast.NamedExpr, ast.Lambda))
             and not is_length(child)]
    return value is not None and calls in ([], [value])


def is_counter(node):
    return isinstance(node, ast.Name) and node.id == 'iteration_index'


def is_plain_number(node):
    """A number, a name, or the length of an object: to evaluate it once more changes nothing."""
    return isinstance(node, (ast.Constant, ast.Name)) and not is_counter(node) or is_length(node)


def period_of(node):
    """The N of `iteration_index % N`, or the next power of two of `iteration_index & N`. None for other expressions."""
    if not isinstance(node, ast.BinOp) or not is_counter(node.left):
        return None
    mask = node.right.value if isinstance(node.right, ast.Constant) else None
    if isinstance(node.op, ast.BitAnd) and type(mask) is int and mask >= 0:
        return ast.Constant(1 << mask.bit_length())
    return node.right if isinstance(node.op, ast.Mod) and is_plain_number(node.right) else None


def periods_of(node):
    """Every period of the step in iteration_index as (source, names that it uses); None if another use has no period."""
    periods = [period for child in walk(node) if (period := period_of(child))]
    if len(periods) < sum(map(is_counter, walk(node))):
        return None
    return [(source_of(period), list(names_of(period)[1])) for period in periods]


def step_of(node, file):
    """An expression is compiled as such, so that its value is the result."""
    is_expression, target = isinstance(node, ast.Expr), target_of(node)
    tree = ast.Expression(node.value) if is_expression else ast.Module([node], [])
    code = compile(tree, file, 'eval' if is_expression else 'exec')
    call = call_of(node.value) if is_expression or target else None
    return (source_of(node), code, target, call, *names_of(node), is_expression or target is not None,
            is_query(node, target), periods_of(node))


def parse(text, file):
    return [step_of(node, file) for node in tree_of(text).body]


def is_a(value, *kinds):
    """isinstance would run code of the value."""
    return issubclass(type(value), kinds)


def module_of(value):
    """The top-level module of the value: its own name, or that of its function or type."""
    name = None
    if is_a(value, types.ModuleType):
        name = vars(value).get('__name__')
    elif is_a(value, type) or callable(value):
        try:
            name = value.__module__
        except Exception:
            pass
    if not is_a(name, str):
        name = getattr(type(value), '__module__', None)
    return name.partition('.')[0] if is_a(name, str) else ''


def held(value):
    """The value and what it holds, as far as HELD_LEVELS and HELD_OBJECTS go; no code of theirs runs. What a package makes may
    be in a list of the setup."""
    found, level = {id(value): value}, [value]
    for _ in range(HELD_LEVELS):
        inside = gc.get_referents(*(each for each in level if not is_a(each, types.ModuleType, type, types.FunctionType)))
        level = [each for each in inside[:HELD_OBJECTS] if id(each) not in found]
        found.update((id(each), each) for each in level)
    return found.values()


def modules_in(value):
    """The top-level modules of what the value holds that are not the interpreter's: those of the outermost objects first."""
    return [name for name in dict.fromkeys(map(module_of, held(value))) if name not in sys.stdlib_module_names]


def join(words):
    """Drop a word that does not fit."""
    text = ''
    for word in filter(None, words):
        longer = f'{text},{word}' if text else word
        text = longer if len(longer.encode()) <= TEXT_MAX else text
    return text


def root_of(node):
    """The name at the start of `a.b`; None for other expressions."""
    path = path_of(node)
    return path and path[0]


def is_interpreters(root, names):
    """A name that a statement assigns may be anything."""
    if root in ('iteration_index', 'thread_index'):
        return True
    value = names.get(root, vars(builtins).get(root, describe))
    return value is not describe and not modules_in(value)


def called(source, names):
    """The only function that can run compiled code of a package, as `np.linalg.norm`; '' where several can."""
    tree = tree_of(source)
    calls = [node for node in walk(tree) if isinstance(node, ast.Call)]
    own = [node for node in calls if not (root_of(node.func) and is_interpreters(root_of(node.func), names))]
    known = {'.'.join(path_of(node.func) or ()) for node in own or calls}
    inside = {id(node) for call in own or calls for node in walk(call)} if own else set()
    others = [node for node in walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
              and id(node) not in inside and not is_interpreters(node.id, names)]
    # A builtin such as len calls its argument.
    passed = others and len(own) < len(calls)
    return '' if passed or len(known) != 1 else known.pop()


def owner_of(call, names):
    """The top-level module of the called function; '' where this is the setup or the interpreter, or is not certain."""
    root = call.partition('.')[0]
    owner = module_of(names.get(root, sys.modules.get(root)))
    is_known = owner in sys.modules and owner != '__main__' and owner not in sys.stdlib_module_names
    return owner if is_known else ''


def describe(code, names, source):
    """The objects that the statement uses, the modules of all names in it, whether these are the interpreter's own,
    the function that it calls, and the module of that function."""
    objects, modules, plain = [], [], True
    for name in code.co_names:
        if name in names:
            value = names[name]
            modules += dict.fromkeys((module_of(value), *modules_in(value)))
            # Modules, types and functions are not shared state.
            if not is_a(value, types.ModuleType, type, types.FunctionType, types.BuiltinFunctionType):
                objects.append(name)
        elif name in sys.modules:  # the statement may import the module itself
            value = sys.modules[name]
        else:
            continue
        # Python code of the setup may call anything.
        if is_a(value, types.FunctionType, types.MethodType, types.GeneratorType, types.CoroutineType):
            plain = False
        plain = plain and not modules_in(value)
    call = called(source, names)
    return join(objects), join(modules), plain, call[:TEXT_MAX], join([owner_of(call, names)])
