"""Writes a Python program that shows a finding without ftstress. Arguments: the form, and the facts as JSON."""
import ast
import builtins
import contextlib
import importlib
import io
import json
import platform
import re
import sys
import sysconfig
import tokenize

# Variables that the script gives to the statements of the plan.
GIVEN = {'thread_index', 'iteration_index'}


def array_code(recipe):
    """Returns NumPy code for a recipe such as '>f8[20,3][::2].T+8~bcast(4,8)@ro', and whether it is read-only."""
    recipe, *marks = recipe.split('@')
    recipe, _, shape = recipe.partition('~bcast')
    order, kind, size, base, views, offset = re.fullmatch(
        r'([<>|]?)([a-zA-Z])(\d*)\[([\d,]*)\]((?:\.T|\[[^\]]*\])*)(?:\+(\d+))?', recipe).groups()
    dtype = f'{order}{kind}{size}'
    sizes = [int(part) for part in base.split(',') if part]
    count = 1
    for part in sizes:
        count *= part
    if kind in 'SU':
        code = f"np.arange({count}).astype('{dtype}')"
    elif kind == 'b':
        code = f"(np.arange({count}) % 2).astype('?')"
    elif offset:
        code = f"np.frombuffer(bytearray({offset}) + np.arange({count}, dtype='{dtype}').tobytes(), '{dtype}', offset={offset})"
    else:
        code = f"np.arange({count}, dtype='{dtype}')"
    if len(sizes) != 1:
        code += f'.reshape({", ".join(map(str, sizes)) or "()"})'
    code += views
    return (f'np.broadcast_to({code}, {shape})' if shape else code), 'ro' in marks


def inputs_code(plan):
    lines = []
    for each in plan['inputs']:
        code, is_read_only = array_code(each['recipe'])
        lines.append(f"{each['name']} = {code}")
        if is_read_only:
            lines.append(f"{each['name']}.flags.writeable = False")
    return lines


def bound_names(texts):
    """Returns the names that the statements bind: each thread has its own."""
    found = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                found.add(node.id)
    return found


def names_in(texts):
    return {node.id for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def shared_first(plan):
    """Returns the names of the setup that the statements bind anew, too."""
    setup = bound_names([plan['setup'] or '']) | {each['name'] for each in plan['inputs']}
    return sorted(setup & bound_names([*plan['steps'], *plan['roles'], plan['thread_setup'] or '']))


def indent(lines, depth):
    return ['    ' * depth + line if line else '' for text in lines for line in text.splitlines()]


def last_value(steps):
    """Returns the statements with the value of the last one in `result`, or None if it has none."""
    tree = ast.parse(steps[-1])
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        last = ast.copy_location(ast.Assign([ast.Name('result', ast.Store())], last.value), last)
        tree.body[-1] = ast.fix_missing_locations(last)
        return [*steps[:-1], ast.unparse(tree)]
    if isinstance(last, ast.Assign) and isinstance(last.targets[0], ast.Name):
        return [*steps, f'result = {last.targets[0].id}']
    return None


def statement_lines(plan):
    """Returns the statements of one call, as lines of a function."""
    if plan['roles']:
        lines = []
        for i, role in enumerate(plan['roles']):
            lines += [f"{'elif' if i else 'if'} thread_index % {len(plan['roles'])} == {i}:", *indent([role], 1)]
        return lines
    return indent(plan['steps'], 0)


def title(facts):
    where = f" in {facts['function']} ({facts['package']})" if facts['function'] and facts['package'] else ''
    return f"{facts['kind']}{where} under free threading"


def has_statement(plan):
    """Returns False where the message names a statement that a smaller plan has changed."""
    try:
        named, present = ({ast.unparse(part) for text in texts for part in ast.parse(text).body}
                          for texts in ([plan.get('statement') or ''], [*plan['steps'], *plan['roles']]))
    except SyntaxError:
        return True
    return named <= present


def docstring(facts, form):
    seen = (f"Fails in {facts['hit']} of {facts['of']} runs of {facts['seconds']} s here."
            if facts.get('of') else 'Its rate was not measured.')
    status = ('Exit status: 1 if it failed, 0 if not; a crash ends the process early.' if form == 'script'
              else 'A crash ends pytest.')
    status += ' Only a build with ThreadSanitizer shows the race.' if facts['kind'] == 'data-race' else ''
    message = facts['message'] if has_statement(facts['plan']) else f"In a larger plan: {facts['message']}"
    return ['"""' + title(facts), '', *wrap(message), '', f"{seen} {status} Found by ftstress as {facts['id']}.", '"""']


def wrap(text, width=110):
    lines = ['']
    for word in text.replace('\\', '\\\\').replace('"""', "'''").split():
        if lines[-1] and len(lines[-1]) + len(word) >= width:
            lines.append('')
        lines[-1] += (' ' if lines[-1] else '') + word
    return lines


def call_lines(plan, parameters, lines):
    return [f"def call({', '.join(parameters)}):", *indent(lines, 1), '']


def input_check(plan):
    """Returns what is known of the shapes before the threads, and the check after a call."""
    tuples = ', '.join(f"{each['name']}.shape, {each['name']}.strides" for each in plan['inputs'])
    return [f'SHAPES = {tuples}'], [f"assert ({tuples}) == SHAPES, 'an input changes while a thread calls'"]


def result_code(message):
    """Returns an expression for the part of the result that differed: an object of an extension may have no pickle."""
    place = re.search(r' as (\S*result.*?)(?: under threads|,| after )', message)
    code = place[1] if place and re.search(r'[(.]', re.sub(r'\[.*?\]', '', place[1])) else 'result'
    if re.search(r' gives an? [\w.]+(?: as | under threads)', message):
        return f'type({code}).__name__'
    return f"re.sub('0x[0-9A-Fa-f]+', '', {code})" if code.startswith('repr(') else code


def threads_script(plan, facts, form):
    """A program with threads that make the calls until one fails."""
    own = plan['thread_setup'] or ''
    private = plan['share'] == 'private'
    parameters = ['thread_index', 'iteration_index'] + [f'{name}={name}' for name in shared_first(plan)]
    lines, before, after, end, made = statement_lines(plan), [], [], [], '{}'
    valued = last_value(plan['steps']) if facts['kind'] == 'wrong-result' and not plan['roles'] else None
    value = f"return pickle.dumps({result_code(facts['message'])})"
    if valued and not GIVEN & names_in([*plan['steps'], own]):
        lines = [*valued, value]
        before, made = ['results = set()'], 'results.add({})'
        end = ['failures.extend(pickle.loads(result) for result in results - {call(0, 0)})  # but for that of one thread']
    elif valued:
        made = 'result = {}'
        lines = [*valued, value]
        after = ['if len(results) < 100000:', '    results.append((thread_index, iteration, result))']
        before = ['results = []']
        end = ['for thread_index, iteration, result in results:  # the same calls on one thread',
               '    if result != call(thread_index, iteration):', "        failures.append((thread_index, iteration, pickle.loads(result)))"]
    elif facts['kind'] == 'input-mutated' and plan['inputs'] and not private:
        before, after = input_check(plan)
    nested = own or private
    call = call_lines(plan, parameters, lines)
    if nested and made == 'results.add({})':  # each thread has calls of its own
        before, call = ['own = []'], [*call, 'results = set()', 'own.append((call, results))']
        end = [end[0].replace('for result', 'for call, results in own for result')]
    elif nested:
        end = []
    out = [*([] if private else inputs_code(plan)), *before, 'failures, barrier = [], threading.Barrier(THREADS)', '', '']
    out += [] if nested else [*call, '']
    out += ['def work(thread_index):', *indent([*(inputs_code(plan) if private else ()), own, *(call if nested else ())], 1),
            '    barrier.wait()', '    end, iteration = time.monotonic() + SECONDS, 0',
            '    while not failures and time.monotonic() < end:', '        try:',
            *indent([made.format('call(thread_index, iteration)'), *after], 3),
            '        except Exception as error:', '            failures.append(error)', '        iteration += 1', '', '']
    run = ['threads = [threading.Thread(target=work, args=(i,), daemon=True) for i in range(THREADS)]',
           'for thread in threads:', '    thread.start()', 'for thread in threads:', '    thread.join(SECONDS + 15)',
           '    if thread.is_alive():', "        failures.append(TimeoutError('a thread does not end'))", *end]
    return out + finish(run, form, 'test_threads')


def finish(run, form, name):
    if form == 'test':
        return [f'def {name}():', *indent(run, 1), '    assert not failures, failures[0]']
    return [*run, "print(f'failed: {failures[0]!r}' if failures else 'not seen', flush=True)", 'sys.exit(bool(failures))']


def counting_script(plan, form):
    """A program that makes many calls and counts what they leave behind."""
    texts = [*plan['steps'], *plan['roles']]
    names = sorted(names_in(texts) - bound_names(texts) - set(dir(builtins)) - GIVEN)
    out = [*inputs_code(plan), plan['thread_setup'] or '', 'failures = []', '', '',
           *call_lines(plan, ['thread_index', 'iteration_index'], statement_lines(plan)), '',
           'def measure():', '    gc.collect()', "    memory = int(open('/proc/self/statm').read().split()[1]) * 4096",
           f"    return [sys.getallocatedblocks(), memory // 64, *map(sys.getrefcount, [{', '.join(names)}])]", '', '',
           'def run():', '    calls, end = 0, time.monotonic() + SECONDS', '    while time.monotonic() < end:',
           '        with contextlib.suppress(Exception):', '            call(0, calls)',
           '        calls += 1', '    return calls', '', '']
    run = ['run()', 'before = measure()', 'calls = run()',
           'grown = [after - was for after, was in zip(measure(), before)]  # blocks, 64 bytes of memory, references',
           'if max(map(abs, grown)) > calls // 4:', "    failures.append(f'{calls} calls leave {grown}')"]
    return out + finish(run, form, 'test_memory')


COUNTED = 'reference-leak', 'memory-growth', 'refcount-underflow', 'shutdown-leak'
THREADS_LEAST = {'input-mutated': 4}  # a thread sees what another one writes
CHECKS = ["if 'MALLOC_CHECK_' not in os.environ:  # glibc then checks each block that is freed",
          "    checks = {'MALLOC_CHECK_': '3', 'LD_PRELOAD': 'libc_malloc_debug.so.0'}",
          '    os.execve(sys.executable, sys.orig_argv, os.environ | checks)']


def refuse(facts):
    """Returns why there is no script, or None."""
    plan = facts['plan']
    if plan.get('native'):
        return 'the plan calls a scenario in C'
    if plan['writer'] or plan['share'] in ('one-writer', 'all'):
        return f"the plan writes to what its threads share (sharing level {plan['share']})"
    return None


def code_of(facts, form):
    """Returns the lines of the program behind its docstring."""
    plan = facts['plan']
    counted = facts['kind'] in COUNTED
    setup = (plan['setup'] or '').splitlines()
    checks = CHECKS if facts['checked'] and form == 'script' else []
    imports = ['sys', 'time', *(['os'] if checks else []), *(['contextlib', 'gc'] if counted else ['threading'])]
    if facts['kind'] == 'wrong-result':
        imports += ['pickle'] + (['re'] if 'as repr(' in facts['message'] else [])
    if plan['inputs'] and 'import numpy as np' not in setup:
        setup.insert(0, 'import numpy as np')
    out = [f"import {', '.join(sorted(imports))}", *checks, *setup, '',
           "assert not sys._is_gil_enabled(), 'the GIL is on: run it with a free-threaded CPython, and PYTHON_GIL=0'"]
    out.append(f"SECONDS = {facts['seconds']}" if counted else f"THREADS, SECONDS = {max(plan['threads'], THREADS_LEAST.get(facts['kind'], 1))}, {facts['seconds']}")
    return '\n'.join(out + (counting_script(plan, form) if counted else threads_script(plan, facts, form))) + '\n'


def all_names(text):
    """Returns the names of a program and, as pairs, its imports: (name, module)."""
    names, imports = set(), set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                name = alias.asname or alias.name.partition('.')[0]
                names.add(name)
                imports.add((name, f'{node.module}.{alias.name}' if isinstance(node, ast.ImportFrom) else
                             alias.name if alias.asname else name))
    return names, imports


# Keys of a plan with names, and what stands before a name while the program has the same one for something else.
CODE = 'setup', 'thread_setup', 'writer', 'inputs', 'steps', 'roles'
MARK = 'of_the_plan_'


def marked(plan, names):
    """Returns the plan with a mark before these names, wherever they stand."""
    def put(value):
        if isinstance(value, list):
            return [put(each) for each in value]
        if isinstance(value, dict):
            return {key: put(each) if key != 'recipe' else each for key, each in value.items()}
        return re.sub(rf"\b({'|'.join(map(re.escape, names))})\b", rf'{MARK}\1', value) if isinstance(value, str) else value
    return {key: put(value) if key in CODE else value for key, value in plan.items()} if names else plan


def clashes(facts, form):
    """Returns the names that the plan and the rest of the program use for different things."""
    plan = facts['plan']
    texts = [plan['setup'] or '', plan['thread_setup'] or '', *plan['steps'], *plan['roles']]
    texts += [each['name'] for each in plan['inputs']]
    theirs, same = all_names('\n'.join(texts))
    theirs -= GIVEN | set(dir(builtins))
    names, imports = all_names(code_of(facts | {'plan': marked(plan, theirs)}, form))
    return theirs & names - {name for name, _ in same & imports}


def renamed(text, names):
    """Returns the program with other names for these."""
    lines, before = text.splitlines(), ''
    taken = all_names(text)[0] | {name.removeprefix(MARK) for name in all_names(text)[0]}
    found = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string in names and before != '.':
            module = f'{token.string} as ' if token.line.startswith('import ') and before != 'as' else ''
            found.append((*token.start, token.string, module))
        before = token.string
    for row, column, name, module in reversed(found):
        other = next(each for n in range(1, 9) if (each := name + '_' * n) not in taken)
        lines[row - 1] = lines[row - 1][:column] + module + other + lines[row - 1][column + len(name):]
    return '\n'.join(lines) + '\n'


def write(facts, form):
    """Returns the program. Where it needs a name of the plan for itself, it takes another one."""
    names = clashes(facts, form)
    text = code_of(facts | {'plan': marked(facts['plan'], names)}, form)
    text = renamed(text, names).replace(MARK, '') if names else text
    return re.sub(r'\n{3,}', '\n\n', '\n'.join([*docstring(facts, form), text]))


PROGRAM = """/* {title}. A program in C that embeds CPython: for a debugger, a sanitizer, or the end of the interpreter.
 *
 * Build it: cc -g bug.c -o bug $(python3-config --embed --cflags --ldflags), with the config program of the same CPython.
 * Run it: PYTHON_GIL=0 ./bug VENV/bin/python, with the venv of the packages. */
#include <Python.h>

static const char script[] =
{script};

int main(int argc, char **argv)
{{
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    if (argc > 1)
        PyConfig_SetBytesString(&config, &config.program_name, argv[1]);
    PyStatus status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status))
        Py_ExitStatusException(status);
    int failed = PyRun_SimpleString(script);
    return Py_FinalizeEx() < 0 || failed;
}}
"""


def literal(line):
    """Returns the line as a literal of C."""
    safe = ''.join(chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f'\\{byte:03o}' for byte in line.encode())
    return f'    "{safe}\\n"'


def program(facts):
    """Returns a program in C that runs the script. It starts no other one, so that glibc's checks stay off."""
    lines = write(facts | {'checked': False}, 'script').splitlines()
    return PROGRAM.format(title=title(facts).replace('*/', '* /'), script='\n'.join(map(literal, lines)))


def runtime(environment):
    """Returns what maintainers ask for, as Python code that they can run, each with its output."""
    out = [f'>>> sys.version\n{sys.version}', f">>> sysconfig.get_config_var('CONFIG_ARGS')\n{sysconfig.get_config_var('CONFIG_ARGS')}",
           f'>>> platform.platform(), platform.libc_ver()\n{platform.platform()}, {platform.libc_ver()}']
    for name in environment.keys() - {'python', 'abi', 'gil', 'mutates'}:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        show = next((each for each in ('show_runtime', 'show_config') if callable(getattr(module, each, None))), None)
        if show:
            with contextlib.redirect_stdout(io.StringIO()) as text:
                getattr(module, show)()
            out.append(f'>>> {name}.{show}()\n{text.getvalue().strip()}')
    return '\n'.join(out)


def main():
    facts = json.loads(sys.argv[2])
    if sys.argv[1] == 'runtime':
        return print('ftstress\tscript\t' + json.dumps({'text': runtime(facts)}))
    why = refuse(facts)
    print('ftstress\tscript\t' + json.dumps({'why': why} if why else {'text': program(facts) if sys.argv[1] == 'c' else write(facts, sys.argv[1])}))


main()
