"""Makes the calls of a sweep one by one. Runs in a child, as the setup of a plan; SWEEP is its task.

The file `progress` has a byte for each call, its state; behind them 8 bytes, the number of the call that began last, plus
one. The file `raised` has a line "number, TAB, text" for the first exception of a callable; the file `written` has a line
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
import types
import warnings

case = ''
FOLDER = os.path.dirname(os.getcwd())  # of the files of the sweep
GETSET = types.GetSetDescriptorType
NEW, BEGUN, RETURNED, RAISED, CHANGED = range(5)


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


class Calls:
    """The calls of a task, with their progress in a file that outlives the process."""

    def __init__(self, task):
        self.texts, self.owners, self.makes = task['calls'], task['owners'], task['makes']
        self.limit, self.names = task['limit'], {}
        for name in task['modules']:
            importlib.import_module(name)
            root = name.partition('.')[0]
            self.names[root] = sys.modules[root]
        self.inputs = [re.findall(rf'\b({"|".join(task["inputs"])})\b', text) if task['inputs'] else [] for text in self.texts]
        file = os.open(f'{FOLDER}/progress', os.O_RDWR | os.O_CREAT)
        os.ftruncate(file, len(self.texts) + 8)
        self.progress = mmap.mmap(file, len(self.texts) + 8)
        os.close(file)
        self.told, self.signals = set(), task['signals']

    def begin(self, number):
        """Notes the call that begins. SystemExit behind the last one ends the pass."""
        self.progress[len(self.texts):] = (number + 1).to_bytes(8, 'little')
        if number == len(self.texts):
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
        """Returns the state of the call. One without a result, or with another effect, is not for threads. The names of
        the call are copies: some callables change those of their caller."""
        before = [(names[name], names[name].tobytes()) for name in self.inputs[number]]
        make = self.makes[self.owners[number]]
        own = {**names, 'object_': eval(make, {**self.names})} if make else {**names}
        result = eval(self.texts[number], {**self.names}, own)
        changed = [name for name, (array, was) in zip(self.inputs[number], before) if array.tobytes() != was]
        with open(f'{FOLDER}/written', 'a', encoding='utf-8') if changed else contextlib.nullcontext() as file:
            for name in changed:
                file.write(f'{number}\t{name}\n')
        self.note(number, class_of_result(result))
        return CHANGED if result is None or changed else RETURNED

    def call(self, number, names):
        """Makes one call, with a limit of processor time, and a long one of waiting, which end the process."""
        self.progress[number] = BEGUN
        signal.setitimer(signal.ITIMER_PROF, self.limit)
        signal.setitimer(signal.ITIMER_REAL, 10 * self.limit)
        try:
            state = self.evaluate(number, names)
        except Exception as error:
            state = RAISED
            self.tell(number, error)
        except BaseException:  # SystemExit of the target
            state = RAISED
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.progress[number] = state


sys.stdout = open(os.devnull, 'w', encoding='utf-8')
warnings.simplefilter('ignore')
with open(f'{FOLDER}/task.json', encoding='utf-8') as task:
    SWEEP = Calls(json.load(task))
