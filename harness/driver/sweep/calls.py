"""Makes the calls of a sweep one by one. Runs in a child, as the setup of a plan; SWEEP is its task.

The file `progress` has a byte for each call, its state; behind them 8 bytes, the number of the call that began last, plus
one; and 4 bytes for each callable, the ms of processor time that its calls took. The file `importing` has the module that is
imported, and behind a TAB why it cannot be. The file `raised` has a line "number, TAB, text" for the first exception of a callable; the file `written` has a line
"number, TAB, name" for each array that a call changes. For a fuzzer the file `signals` has a line "number, TAB, text" for
the first call of a callable with each kind of result or exception.
"""
import contextlib
import importlib
import json
import mmap
import os
import re
import signal
import sys
import time
import types
import warnings

case = ''
FOLDER = os.path.dirname(os.getcwd())  # of the files of the sweep
GETSET = types.GetSetDescriptorType
NEW, BEGUN, RETURNED, RAISED, CHANGED = range(5)
WAIT_LEAST = 20  # s: on a busy machine a call waits, too


def class_of_error(error):
    """The type of an exception, and its message without numbers and quotations."""
    try:
        text = ' '.join(str(error).split())
    except BaseException:
        text = ''
    text = re.sub(r"[0-9][0-9.ex-]*|'[^']*'", '#', text)
    return f'raises {type(error).__name__}: {text[:80]}'


def class_of_result(result):
    """The types of a result and its parts; of an array the dtype and the kind of its shape, too."""
    parts = result if type(result) in (tuple, list) else ()
    array = result if isinstance(getattr(type(result), 'shape', None), GETSET) else None
    try:
        shape, dtype = (tuple(array.shape), array.dtype) if array is not None else ((), '')
    except BaseException:
        shape, dtype = (), ''
    kinds = sorted({type(part).__name__ for part in parts[:8]})
    empty = ' empty' if 0 in shape else ''
    return f'returns {type(result).__name__} {dtype} {len(shape)}{empty} {" ".join(kinds)}'.strip()


class OutOfTime(BaseException):
    """The call has used its processor time."""


def has_gil():
    return not TASK['allow_gil'] and getattr(sys, '_is_gil_enabled', bool)()


def begin_import(text):
    with open(f'{FOLDER}/importing', 'w', encoding='utf-8', errors='replace') as file:
        file.write(text)


def import_all(names):
    """Imports the modules. Returns the packages that calls name. One that fails ends the process: the next one does without."""
    roots, gil = {}, has_gil()
    for name in sorted(set(names)):
        begin_import(name)
        try:
            importlib.import_module(name)
        except BaseException as error:
            begin_import(f'{name}\t{type(error).__name__}: {" ".join(str(error).split())[:160]}')
            raise
        if has_gil() and not gil:
            begin_import(f'{name}\tit turns the GIL on; PYTHON_GIL=0 keeps it off')
            raise ImportError(name)
        root = name.partition('.')[0]
        roots[root] = sys.modules[root]
    begin_import('')
    return roots


class Calls:
    """The calls of a task, with their progress in a file that outlives the process."""

    def __init__(self, task):
        self.texts, self.owners, self.makes = task['calls'], task['owners'], task['makes']
        self.limit, self.end, self.left = task['limit'], task['end'], task['left']
        self.slow, self.slow_most, self.out_of_time = task['slow'], task['slow_most'], task['out_of_time']
        self.is_running, self.window = False, task['window']
        self.names = import_all(task['modules'])
        self.arrays = [name for name in task['inputs'] if name not in self.names]
        self.inputs = [re.findall(rf'\b({"|".join(self.arrays)})\b', text) if self.arrays else [] for text in self.texts]
        file = os.open(f'{FOLDER}/progress', os.O_RDWR | os.O_CREAT)
        self.spent = [0] * len(self.left)
        size = len(self.texts) + 8 + 4 * len(self.spent)
        os.ftruncate(file, size)
        self.progress = mmap.mmap(file, size)
        os.close(file)
        self.told, self.signals = set(), task['signals']
        signal.signal(signal.SIGPROF, self.interrupt)

    def interrupt(self, *_):
        """Ends a call that is out of time, where it runs Python code. Other ones end with the process, at twice the time."""
        if self.is_running:
            raise OutOfTime

    def begin(self, number):
        """Notes the call that begins. SystemExit behind the last one, or at the end of the time, ends the pass."""
        n = len(self.texts)
        if self.end and time.monotonic() >= self.end:
            number = n
        self.progress[n:n + 8] = (number + 1).to_bytes(8, 'little')
        if number == n:
            raise SystemExit
        return self.texts[number]

    def note(self, number, text):
        """Keeps a kind of result or exception of a callable."""
        key = self.owners[number], text
        if not self.signals or key in self.told:
            return
        self.told.add(key)
        with open(f'{FOLDER}/signals', 'a', encoding='utf-8', errors='replace') as file:
            file.write(f'{number}\t{text}\n')

    def tell(self, number, error):
        """Keeps the first exception of a callable."""
        self.note(number, class_of_error(error))
        if self.owners[number] in self.told:
            return
        self.told.add(self.owners[number])
        try:
            text = f'{type(error).__name__}: {error}'
        except BaseException:
            text = type(error).__name__
        with open(f'{FOLDER}/raised', 'a', encoding='utf-8', errors='replace') as file:
            file.write(f'{number}\t{" ".join(text.split())[:160]}\n')

    def evaluate(self, number, names):
        """Returns the state of the call. One without a result, or with another effect, is not for threads. The call sees
        its packages and arrays, and no name of this file. The names are copies: some callables change those of their caller."""
        before = [(names[name], names[name].tobytes()) for name in self.inputs[number]]
        make = self.makes[self.owners[number]]
        own = {name: names[name] for name in self.arrays}
        if make:
            own['object_'] = eval(make, {**self.names})
        result = eval(self.texts[number], {**self.names}, own)
        changed = [name for name, (array, was) in zip(self.inputs[number], before) if array.tobytes() != was]
        with open(f'{FOLDER}/written', 'a', encoding='utf-8') if changed else contextlib.nullcontext() as file:
            for name in changed:
                file.write(f'{number}\t{name}\n')
        self.note(number, class_of_result(result))
        return CHANGED if result is None or changed else RETURNED

    def is_left_out(self, owner):
        return self.slow[owner] >= self.slow_most or self.left[owner] * 1000 <= self.spent[owner]

    def run(self, number, names):
        """Returns the state of the call."""
        try:
            self.is_running = True
            state = self.evaluate(number, names)
            self.is_running = False
        except OutOfTime:
            raise
        except Exception as error:
            self.is_running = False
            self.tell(number, error)
            return RAISED
        except BaseException:  # SystemExit of the target
            return RAISED
        return state

    def limited(self, number, names):
        """Makes the call with a limit of processor time. A call of compiled code, and one that waits, end the process."""
        signal.setitimer(signal.ITIMER_PROF, self.limit, self.limit / 2)
        signal.setitimer(signal.ITIMER_VIRTUAL, 2 * self.limit)
        signal.setitimer(signal.ITIMER_REAL, max(10 * self.limit, WAIT_LEAST))
        try:
            return self.run(number, names)
        except OutOfTime:
            return self.out_of_time
        finally:
            self.is_running = False
            for timer in signal.ITIMER_PROF, signal.ITIMER_VIRTUAL, signal.ITIMER_REAL:
                signal.setitimer(timer, 0)

    def call(self, number, names):
        """Makes one call, unless others of the callable took long."""
        owner = self.owners[number]
        if self.is_left_out(owner):
            return
        self.progress[number] = BEGUN
        began = time.process_time()
        state = self.limited(number, names)
        self.slow[owner] += state == self.out_of_time
        self.spent[owner] += int(1000 * (time.process_time() - began))
        at = len(self.texts) + 8 + 4 * owner
        self.progress[at:at + 4] = self.spent[owner].to_bytes(4, 'little')
        self.progress[number] = state


sys.stdout = open(os.devnull, 'w', encoding='utf-8')
warnings.simplefilter('ignore')
with open(f'{FOLDER}/task.json', encoding='utf-8') as task_file:
    TASK = json.load(task_file)
SWEEP = Calls(TASK)
case_window = SWEEP.window  # calls between two checks of the heap
