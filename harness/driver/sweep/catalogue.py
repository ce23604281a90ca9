"""The callables of modules and the calls to make with them. Runs in a child, as the setup of a plan; SWEEP is its task.

Writes catalogue.json to the folder above the current one: {"inputs": [[name, recipe]], "callables": [{"name", "module", "make", "calls"} or
{"name", "why"}], "modules": [{"name", "why"}], "missing": [{"name", "callable", "listed"}]}. `missing` has targets ("module" or
"module:callable") that do not exist, and those with another name in the list, `listed`. `make` is the expression of a method's object, which the calls name
`object_`, or "". A call is the text of an expression.

The file `step` has the step that runs, such as "import NAME". A step that ended an earlier process is in the table "skip" of
the task, with the reason, and is left out. The file `why` has the reason where the step itself did not end the process.
"""
import ast
import builtins
import contextlib
import enum
import importlib
import inspect
import itertools
import json
import keyword
import os
import pkgutil
import re
import signal
import sys
import types

FOLDER = os.path.dirname(os.getcwd())  # of the files of the sweep

# The arrays of the calls. One with the name of a target has another name there (free_names).
INPUTS = {
    'vec': 'f8[20]', 'vec_b': 'f8[20]', 'strided': 'f8[40][::2]', 'reverse': 'f8[20][::-1]', 'readonly': 'f8[20]@ro',
    'mat': 'f8[4,4]', 'mat_t': 'f8[4,4].T', 'wide': 'f8[4,5]', 'part': 'f8[4,5][:,:4]', 'row': 'f8[5]', 'short': 'f8[4]',
    'cube': 'f8[2,3,4]', 'repeated': 'f8[4]~bcast(4,4)', 'empty': 'f8[0]', 'zero_d': 'f8[]', 'single': 'f4[20]',
    'single_mat': 'f4[4,4]', 'single_short': 'f4[4]', 'cplx': 'c16[20]', 'cplx_mat': 'c16[4,4]', 'cplx_short': 'c16[4]',
    'c8_mat': 'c8[4,4]', 'c8_short': 'c8[4]', 'ints': 'i8[20]', 'places': 'i8[4]', 'ints4': 'i4[4]', 'bools': 'b1[20]',
    'small': 'u1[20]', 'words': 'S4[6]', 'back': 'f4[20][::-1]', 'hollow': 'f8[4,0]', 'hollow_t': 'f8[0,4]',
    'hollow_cube': 'f8[2,0,3]', 'flip': 'f8[4,4][::-1]', 'fixed': 'f8[4,4]@ro', 'swapped': '>f8[20]', 'odd': 'f8[20]+1',
    'tiny': 'i1[20]', 'shorts': 'i2[20]', 'ushorts': 'u2[20]', 'uints': 'u4[20]', 'ulongs': 'u8[20]', 'halves': 'f2[20]',
    'longs': 'f16[20]', 'c8_vec': 'c8[20]', 'texts': 'U4[6]', 'zero_int': 'i8[]', 'zero_f4': 'f4[]', 'back_ints': 'i8[20][::-1]'}

# One row for each number of arguments: the arguments as they are written in the call.
FORMS = {
    0: [''],
    1: ['vec', 'strided', 'reverse', 'readonly', 'mat', 'mat_t', 'wide', 'part', 'cube', 'repeated', 'empty', 'zero_d',
        'single', 'single_mat', 'cplx', 'cplx_mat', 'c8_mat', 'ints', 'places', 'ints4', 'bools', 'small', 'words', '3',
        '2.5', '-1', "'abc'", "b'abc'", '[1.0, 2.0, 3.0]', '(2, 3)', 'back', 'None', 'hollow', 'hollow_t', 'hollow_cube',
        'flip', 'fixed', 'swapped', 'odd', 'tiny', 'shorts', 'ushorts', 'uints', 'ulongs', 'halves', 'longs', 'c8_vec',
        'texts', 'zero_int', 'zero_f4', 'back_ints', '[]', '()', '{}', "''", "b''", '0', '-7', 'True', "float('nan')",
        "['a', 'b']", '70000', '-2**31', '2**40'],
    2: ['vec, 2', 'vec, vec', 'vec, vec_b', 'vec, strided', 'strided, reverse', 'vec[1:], vec[:-1]', 'readonly, 2',
        'mat, mat', 'mat, short', 'mat, mat[0]', 'mat, 1', 'mat_t, mat', 'part, wide[0, :4]', 'part, short', 'wide, row',
        'wide[0], wide[0]', 'repeated, short', 'repeated, 1', 'single_mat, single_short', 'cplx_mat, cplx_short',
        'c8_mat, c8_short', 'mat, ints4', 'vec, places', 'ints, ints', 'ints, 2', 'bools, vec', 'cplx, cplx', 'empty, empty',
        'zero_d, vec', 'cube, 1', 'words, words', '3, vec', '2, 3', "vec, 'abc'", "'abc', 'b'", '[1.0, 2.0], 2',
        'single, back', 'small, small', 'vec, 10', 'vec, -1', 'vec[:-1], vec[1:]', 'mat[1:], mat[:-1]', 'mat[:-1], mat[1:]',
        'vec, reverse', 'vec, vec[::-1]', 'readonly, vec', 'vec, readonly', 'hollow, hollow_t', 'hollow, 0', 'zero_d, zero_d',
        'vec, zero_d', 'ushorts, ushorts', 'shorts, 2', 'halves, halves', 'single, single', '[], 2', '[], []', 'vec, []',
        'vec, None', 'vec, 0', 'vec, -7', '-1, vec', 'vec, 70000', '-2, -3', 'vec, 2**40', 'vec, -2**31', '70000, 2'],
    3: ['vec, 0, 2', 'vec, places, 1.5', 'bools, vec, vec_b', 'vec, vec_b, strided', 'mat, mat, mat', 'mat, short, short',
        'mat, mat, short', 'mat, ints4, short', 'single_mat, ints4, single_short', 'cplx_mat, ints4, cplx_short',
        'c8_mat, ints4, c8_short', 'part, ints4, wide[0, :4]', 'wide, row, 2', 'ints, ints, ints', 'vec, 2, vec_b', '2, 3, 4',
        'repeated, short, 1', 'empty, empty, empty', 'cplx, cplx, 2', 'cube, 0, 1', "'abc', 'b', 'c'", 'vec[:-1], vec[1:], 2',
        'vec[1:], vec[:-1], vec_b', 'reverse, vec, vec_b', 'readonly, readonly, readonly', 'vec, -1, -2', 'vec, 0, 70000',
        'hollow, 0, 0', '[], 0, 0', 'zero_d, zero_d, zero_d'],
    4: ['vec, vec_b, strided, reverse', 'mat, mat, short, short', 'mat, ints4, short, 1', '0, 1, 2, 3', 'vec, 2, vec_b, 1',
        'single_mat, ints4, single_short, 1', 'cplx_mat, ints4, cplx_short, 1', 'vec, 0, 19, 4', '2.5, mat, mat, short',
        'bools, vec, vec_b, 2'],
    5: ['mat, mat, mat, mat, mat', 'vec, 2, 3, 4, 5', '2, 2.5, vec, vec_b, 1', 'mat, short, short, mat, 1',
        'vec, vec_b, strided, reverse, readonly'],
    6: ['mat, mat, mat, mat, mat, mat', '1, 2, 3, 4, 5, 6', 'vec, vec_b, vec, vec_b, 1, 2', 'mat, short, mat, short, 1, 2']}
MOST = max(FORMS)
# Keyword variants are added to these.
KEYWORD_BASES = {0: [''], 1: ['vec', 'mat', '3'], 2: ['vec, vec_b', 'mat, mat', 'vec, 2'],
                 3: ['vec, vec_b, strided', 'mat, mat, mat'], 4: ['vec, vec_b, strided, reverse']}
KEYWORDS_MOST = 12
# Arguments that make an object of a class, to call its methods.
MAKES = ('', '3', '[1.0, 2.0, 3.0]', "'abc'", "b'abc'", '2, 3', '(2, 3)', '[[1.0, 2.0], [3.0, 4.0]]', '1.0', '{}',
         '[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]', '0.0, 1.0, 5')

# Variables of every plan: a module with such a name cannot be called there.
RESERVED = {'thread_index', 'iteration_index'}
# Parameters for arrays that the call writes to.
OUTPUTS = {'out', 'output', 'dst', 'result'}

# Modules of the standard library that reach outside the process.
OUTSIDE = {'os', 'posix', 'shutil', 'subprocess', '_posixsubprocess', 'signal', 'socket', '_socket', 'ssl', 'http', 'urllib',
           'ftplib', 'smtplib', 'ctypes', '_ctypes', 'multiprocessing', 'resource', 'pty', 'pdb', 'bdb', 'code', 'webbrowser',
           'faulthandler', 'asyncio', 'antigravity', 'pip', 'ensurepip', 'venv', 'concurrent'}
# Calls that reach outside the process, as compiled code or Python code names them.
HARMFUL = {'_exit': 'ends the process', 'abort': 'ends the process', 'fork': 'starts a process', 'forkpty': 'starts a process',
           'execv': 'starts a process', 'execve': 'starts a process', 'system': 'starts a process', 'Popen': 'starts a process',
           'check_call': 'starts a process', 'check_output': 'starts a process',
           'kill': 'sends a signal', 'killpg': 'sends a signal', 'raise_signal': 'sends a signal',
           'setrlimit': 'changes a limit of the process', 'rmtree': 'deletes files', 'urlopen': 'uses the network',
           'urlretrieve': 'uses the network', 'create_connection': 'uses the network', 'breakpoint': 'waits for a person',
           'input': 'waits for a person', 'set_trace': 'waits for a person', 'dlopen': 'loads code', 'CDLL': 'loads code'}
# Names of public callables, whatever they are made of.
NAMES = {'test': 'runs a test suite', 'tests': 'runs a test suite', 'help': 'waits for a person',
         'exit': 'ends the process', 'quit': 'ends the process', 'crash': 'ends the process'}
SKIPPED = {'tests', 'test', 'conftest', 'setup', '__main__', 'testing'}
# Seconds of processor time for making an object.
MAKE_TIME = 2
# A chain of Python functions is read as far as this.
DEPTH = 3
# Seconds for an import in a fork, and the exit status of one that turned the GIL on.
PROBE_TIME, TURNS_GIL_ON = 60, 77
ENDED, GIL = 'its import ended the process', 'it turns the GIL on; PYTHON_GIL=0 keeps it off'


def root_of(name):
    return name.partition('.')[0]


def names_in(code):
    """The names that code uses, those of functions inside it too."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from names_in(constant)


def outside_of(function, depth=DEPTH, seen=None):
    """Why a Python function reaches outside the process; None: it does not, as far as its code shows."""
    seen = set() if seen is None else seen
    function = inspect.unwrap(function) if callable(function) else function
    code = getattr(function, '__code__', None)
    if not isinstance(code, types.CodeType) or code in seen:
        return None
    seen.add(code)
    around = getattr(function, '__globals__', {})
    names = set(names_in(code))
    for name in sorted(names):
        value = around.get(name)
        module = value if isinstance(value, types.ModuleType) else sys.modules.get(getattr(value, '__module__', None) or '')
        is_outside = value is None or module is not None and root_of(module.__name__) in OUTSIDE | {'builtins', 'io'}
        if name in HARMFUL and is_outside:
            return HARMFUL[name]
        if isinstance(value, types.ModuleType) and root_of(value.__name__) in OUTSIDE - {'os', 'ctypes'}:
            return f'uses {value.__name__}'
    for name in sorted(names) if depth else ():
        value = around.get(name)
        if isinstance(value, types.FunctionType) and (why := outside_of(value, depth - 1, seen)):
            return why
    return None


def why_denied(name, value):
    """Why a callable is not called, or None."""
    last = name.rpartition('.')[2]
    owner = getattr(value, '__module__', None)
    if isinstance(owner, str) and root_of(owner) in OUTSIDE:
        return f'denied: it belongs to {owner}'
    why = NAMES.get(last) or HARMFUL.get(getattr(value, '__name__', last) if last in HARMFUL else '') or outside_of(value)
    return f'denied: it {why}' if why else None


def is_own(value, root):
    """Does a value that a module has belong to it? Compiled modules often give no name, or that of a private module."""
    owner = getattr(value, '__module__', None)
    if not isinstance(owner, str):
        owner = getattr(type(value), '__module__', root)
        return isinstance(owner, str) and (root_of(owner) not in sys.stdlib_module_names or owner == 'builtins')
    other = root_of(owner)
    return other == root or other not in sys.stdlib_module_names and (other.startswith('_') or other not in sys.modules)


def parts_of(module):
    """The public submodules: those that it has as attributes, and those in its folder."""
    parts = {name for name in dir(module) if not name.startswith('_')
             and isinstance(getattr(module, name, None), types.ModuleType)}
    parts.update(found.name for found in pkgutil.iter_modules(getattr(module, '__path__', ())))
    return sorted(part for part in parts if not part.startswith('_') and part not in SKIPPED)


def has_gil():
    return not ALLOWS_GIL and getattr(sys, '_is_gil_enabled', bool)()


def import_in_fork(name, gil):
    """In a fork: imports the module, and ends. Its exit status is 0 where this process can import it, too."""
    for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)
    signal.alarm(PROBE_TIME)
    with contextlib.suppress(BaseException):  # this process will see it, too
        importlib.import_module(name)
    os._exit(TURNS_GIL_ON if has_gil() and not gil else 0)


def why_not_import(name):
    """Why the module must not be imported here, or None. Once an import has ended a process, a fork tries each other one first."""
    if not begin(f'import {name}'):
        return SKIP[f'import {name}']
    if not SKIP or name in sys.modules:
        return None
    if (pid := os.fork()) == 0:
        import_in_fork(name, has_gil())
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return None if status == 0 else GIL if status == TURNS_GIL_ON else ENDED


def check_gil(gil):
    """Ends the process where the step turned the GIL on: the other modules need one without."""
    if has_gil() and not gil:
        with open(f'{FOLDER}/why', 'w', encoding='utf-8') as file:
            file.write(GIL)
        os._exit(1)


def modules(name, seen, failed):
    """Imports the module and its public submodules."""
    gil = has_gil()
    if why := why_not_import(name):
        failed.append({'name': name, 'why': why})
        return
    try:
        module = importlib.import_module(name)
    except BaseException as why:  # a module may exit
        check_gil(gil)
        if isinstance(why, ModuleNotFoundError) and why.name and f'{name}.'.startswith(f'{why.name}.'):
            ABSENT.add(name)
        failed.append({'name': name, 'why': f'{type(why).__name__}: {why}'[:200]})
        return
    check_gil(gil)
    if module in seen.values():
        return
    seen[name] = module
    for part in parts_of(module):
        value = vars(module).get(part)
        full = f'{name}.{part}'
        if isinstance(value, types.ModuleType) and value.__name__ != full:
            if value.__name__.startswith(f'{name}.') and value not in seen.values() and is_reachable(full):
                seen[full] = value
        elif full not in seen:
            modules(full, seen, failed)


def is_reachable(path):
    root = sys.modules.get(root_of(path))
    for part in path.split('.')[1:]:
        root = getattr(root, part, None)
    return root is not None


def parsed(text):
    """The parameters in the text of an argument list, as of a function; None: it is no Python."""
    try:
        arguments = ast.parse(f'def f({text}): pass').body[0].args
    except (SyntaxError, ValueError):
        return None
    places = arguments.posonlyargs + arguments.args
    named = dict(zip([p.arg for p in places[len(places) - len(arguments.defaults):]], arguments.defaults))
    named.update((p.arg, value) for p, value in zip(arguments.kwonlyargs, arguments.kw_defaults) if value)
    values = {name: value.value if isinstance(value, ast.Constant) else None for name, value in named.items()}
    places = [p.arg for p in places if p.arg != 'self']
    return places, bool(arguments.vararg), values


def limits_of(places, is_open, named):
    """The least and the most positional arguments, and the parameters with defaults."""
    most = MOST if is_open else len(places)
    return sum(name not in named for name in places), next((i for i, p in enumerate(places) if p in OUTPUTS), most), named


def text_signature(value):
    """The arguments of "name(a, b, [c])" at the start of a docstring, as limits_of gives them, or None."""
    doc = getattr(value, '__doc__', None)
    found = re.match(r'\s*(?:[\w, ]+=\s*)?\w+\(((?:[^()]|\([^()]*\))*)\)', doc) if isinstance(doc, str) else None
    if not found:
        return None
    if parts := parsed(found[1]):
        return limits_of(*parts)
    needed, _, optional = re.split(r',?\s*\bout\b', found[1])[0].partition('[')
    least = len([part for part in needed.split(',') if part.strip() and '=' not in part and part.strip() not in '/*'])
    return least, least + optional.count(',') + bool(optional) + needed.count('='), {}


def arguments_of(value):
    """The least and the most positional arguments, and the parameters with defaults."""
    if isinstance(nin := getattr(value, 'nin', None), int):
        return nin, nin, {}
    try:
        parameters = [p for p in inspect.signature(value).parameters.values()]
    except Exception:
        return text_signature(value) or (0, MOST, {'axis': None})
    places = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = {p.name: p.default for p in parameters if p.default is not p.empty}
    return limits_of(places, any(p.kind == p.VAR_POSITIONAL for p in parameters), named)


def keywords_of(named):
    """"axis=0" and others, from the names and defaults of parameters."""
    for name, default in named.items():
        if name in OUTPUTS:
            continue
        if name == 'axis':
            yield from ('axis=0', 'axis=-1')
        elif name == 'dtype':
            yield "dtype='f4'"
        elif isinstance(default, bool):
            yield f'{name}={not default}'
        elif isinstance(default, int):
            yield from (f'{name}={default + 1}', f'{name}=-7')
        elif default is None:
            yield from (f'{name}=1', f'{name}=readonly')  # the array cannot be one for results
        elif isinstance(default, float):
            yield f'{name}={default / 2 + 0.25}'


def calls_of(value):
    """The argument lists for a callable, and the least number of arguments."""
    least, most, named = arguments_of(value)
    calls = [form for n, forms in FORMS.items() if least <= n <= most for form in forms]
    keywords = list(itertools.islice(keywords_of(named), KEYWORDS_MOST))
    bases = [base for n, forms in KEYWORD_BASES.items() if least <= n <= most for base in forms]
    calls += [f'{base}, {keyword}' if base else keyword for base in bases for keyword in keywords]
    fitting = [call for call in calls if HAS_ARRAYS or not any(re.search(rf'\b{name}\b', call) for name in INPUTS)]
    return [renamed(call) for call in fitting], least


def free_names(taken):
    """Other names for the arrays that have the name of a target: its calls would get the array in place of the module."""
    found = {}
    for name in INPUTS.keys() & taken:
        found[name] = next(other for n in itertools.count(1) if (other := name + '_' * n) not in INPUTS.keys() | taken)
    return found


def renamed(arguments):
    """The arguments with these names. A parameter with the name of an array keeps it."""
    return re.sub(r'\b[a-z]\w*\b(?!=)', lambda found: RENAMED.get(found[0], found[0]), arguments)


def importable(name):
    """The module to import for a path: some modules are attributes of others only."""
    while name not in sys.modules and '.' in name:
        name = name.rpartition('.')[0]
    return name


def row_of(name, module, value, make=''):
    """The entry of one callable."""
    if why := why_denied(name, value):
        return {'name': name, 'why': why}
    arguments, least = calls_of(value)
    if not arguments:
        return {'name': name, 'why': f'needs {least} arguments, more than {MOST}' if least > MOST else 'no call form fits'}
    called = f'object_.{name.rpartition(".")[2]}' if make else name
    return {'name': name, 'module': importable(module), 'make': make, 'calls': [f'{called}({text})' for text in arguments]}


def begin(step):
    """Notes the step that runs. Returns False for one that ended an earlier process."""
    with open(f'{FOLDER}/step', 'w', encoding='utf-8') as file:
        file.write(step)
    return step not in SKIP


def make_of(path, cls):
    """An expression that makes an object of the class, and the object; (None, None): no simple argument makes one."""
    if outside_of(getattr(cls, '__init__', None)) or outside_of(getattr(cls, '__new__', None)):
        return None, None
    for arguments in MAKES:
        text = f'{path}({arguments})'
        if not begin(text):
            continue
        signal.setitimer(signal.ITIMER_PROF, MAKE_TIME)
        signal.setitimer(signal.ITIMER_REAL, 10 * MAKE_TIME)
        try:
            value = eval(text, {root_of(path): sys.modules[root_of(path)]})
        except BaseException:
            continue
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if isinstance(value, cls):
            return text, value
    return None, None


def bound(value, part, function):
    """The method of the object, because the signature of the function has the object as an argument, too."""
    try:
        method = getattr(value, part)
    except BaseException:
        return function
    return method if callable(method) else function


def methods(path, module, cls, root, known):
    """The entries of the methods that the class or a base of the same package defines."""
    found = []
    for part in dir(cls):
        if part.startswith('_'):
            continue
        owner = next((base for base in cls.__mro__ if part in vars(base)), cls)
        value = inspect.getattr_static(cls, part)
        if root_of(owner.__module__ or '') != root and owner is not cls or id(value) in known:
            continue
        if callable(getattr(cls, part, None)) and not isinstance(getattr(cls, part), type):
            known[id(value)] = value
            found.append((part, getattr(cls, part)))
    make, made = make_of(path, cls) if found else ('', None)
    if make is None:
        ended = next((f'; {step} ends the process' for step in sorted(SKIP) if step.startswith(f'{path}(')), '')
        return [{'name': f'{path}.{part}', 'why': f'needs an object that no simple argument makes{ended}'} for part, _ in found]
    return [row_of(f'{path}.{part}', module, bound(made, part, value), make) for part, value in found]


def is_listed_class(value):
    return isinstance(value, type) and not issubclass(value, (BaseException, enum.Enum, types.ModuleType, type))


def callables(name, seen, known):
    """The entries of one module."""
    root, rows, module = root_of(name), [], seen[name]
    for part in sorted(dir(module)):
        try:
            value = getattr(module, part)
        except BaseException:
            continue
        usual = callable(value) and not part.startswith('_') and not isinstance(value, types.ModuleType)
        if not usual or id(value) in known or isinstance(value, type) and not is_listed_class(value):
            continue
        if not is_own(value, root):
            continue
        known[id(value)] = value
        PATHS[id(value)] = f'{name}.{part}'
        rows.append(row_of(f'{name}.{part}', name, value))
        if isinstance(value, type) and 'why' not in rows[-1]:
            rows += methods(f'{name}.{part}', name, value, root, known)
    return rows


try:
    import numpy  # noqa: F401
    HAS_ARRAYS = True
except ImportError:
    HAS_ARRAYS = False


def missing(target):
    """What is wrong with the name of a target, or None."""
    name, _, path = target.partition(':')
    if name in ABSENT:
        return {'name': name, 'callable': None, 'listed': None}
    value = sys.modules.get(name)
    if not path or value is None:
        return None
    try:
        for part in path.split('.'):
            value = getattr(value, part)
    except BaseException:
        return {'name': name, 'callable': path, 'listed': None}
    listed = PATHS.get(id(value), f'{name}.{path}')
    return {'name': name, 'callable': path, 'listed': listed} if listed != f'{name}.{path}' else None


def write_catalogue(names):
    seen, failed, known = {}, [], {}
    for name in names:
        if root_of(name) in RESERVED:
            failed.append({'name': name, 'why': f'the statements of a plan have a variable {root_of(name)}'})
        else:
            modules(name, seen, failed)
    RENAMED.update(free_names({root_of(name) for name in seen}))
    rows = [row for name in seen for row in callables(name, seen, known)]
    with open(f'{FOLDER}/catalogue.json', 'w', encoding='utf-8') as file:
        inputs = [(RENAMED.get(name, name), recipe) for name, recipe in INPUTS.items() if HAS_ARRAYS]
        json.dump({'inputs': inputs, 'callables': rows, 'modules': failed,
                   'swept': list(seen), 'builtins': [*dir(builtins), *keyword.kwlist],
                   'missing': list(filter(None, map(missing, TASK['targets'])))}, file)


with open(f'{FOLDER}/task.json', encoding='utf-8') as task:
    TASK = json.load(task)
SKIP, ALLOWS_GIL = TASK['skip'], TASK['allow_gil']
# Other names of arrays; named modules that do not exist; and the names of listed callables, by their id.
RENAMED, ABSENT, PATHS = {}, set(), {}
write_catalogue(TASK['modules'])
