"""The bugs of `bench.sh detect`: the narrow races of tests/races, and bugs of released packages."""
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / 'tests' / 'races'))
from races import RACES  # noqa: E402

MEMORY = ('crash', 'use-after-free', 'double-free', 'heap-corruption', 'hang')
NUMPY = 'import numpy as np\n'


class Case(NamedTuple):
    name: str
    setup: str
    roles: tuple        # statements; the threads take them in turn
    functions: tuple    # a right finding names one of them; empty: any
    kinds: tuple        # of right findings; empty: any
    venv: str = 'numpy-2.2.6'
    mutates: bool = False  # results depend on the order of the calls, and some raise
    racecheck: str = ''    # a predicate for racecheck: an expression that each call raises by one


KNOWN = [
    Case('repeat', NUMPY + 'x = np.arange(20.)', ('np.repeat(x, 2)',), ('PyArray_Repeat', 'repeat'), (), 'numpy-2.2.2'),
    Case('somersd', NUMPY + 'from scipy.stats import somersd\nx = np.arange(20); y = np.arange(20)',
         ('a = np.repeat(x, 2)[::2]\nb = np.repeat(y, 2)[::2]\nsomersd(a, b).statistic',), ('PyArray_Repeat', 'repeat'), (),
         'numpy-2.2.2'),
    Case('list-to-array', NUMPY + 'items = [np.arange(3.) for _ in range(100)]',
         ('np.array(items)', 'items.pop(0) if len(items) > 50 else items.extend([np.arange(3.) for _ in range(50)])'), (),
         MEMORY, 'numpy-2.2.2', mutates=True),
    Case('stringdtype-deadlock', NUMPY + "a = np.array(['x'] * 1000, 'T'); b = np.array(['x'] * 1000, 'T')",
         ('np.less(a, b).sum()', 'np.less(b, a).sum()'), (), ('hang',), 'numpy-2.2.2'),
    Case('bytesio', 'import io; b = io.BytesIO()', ("b.write(b'x' * 100)", 'b.getvalue()', 'b.truncate(0)'), (), MEMORY,
         mutates=True),
    Case('bytearray', 'b = bytearray()', ("b.append(1)", 'b.clear()', "b.extend(b'x' * 100)"), (), MEMORY, mutates=True),
    Case('generator', 'def numbers():\n    while True:\n        yield 1\ng = numbers()', ('next(g)',), (), MEMORY, mutates=True),
]


def cases():
    """Returns the cases in the order of the table."""
    narrow = [Case(race.name, race.setup, (race.statement,), (race.function,), race.kinds,
                   racecheck='narrow.counted()[0]' if race.function == 'lost_update' else '') for race in RACES]
    return narrow + KNOWN
