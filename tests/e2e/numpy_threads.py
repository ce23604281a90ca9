"""Runs NumPy's own numpy/_core/tests/test_multithreading.py (of 2.2.6) under `pytest --ftstress`: nothing is found with NumPy
2.2.6, and PyArray_Repeat with NumPy 2.2.2. Some minutes: not in the suite.

usage: FTSTRESS_BUILD=build build/venvs/numpy-2.2.6/bin/python tests/e2e/numpy_threads.py
"""
import re
import sys
from pathlib import Path

from harness import BROKEN
from installed import BUILDER, Installed

SITE = next(BUILDER.parents[1].glob('lib/*/site-packages'))
NUMPY = SITE / 'numpy'
# Parts of 2.2.6 that the tests use, and 2.2.2 lacks.
NEWER = {'IS_WASM, IS_64BIT\n': 'IS_WASM\nIS_64BIT = True\n'}


def block(path, start):
    """Returns the function or the fixture that starts so."""
    return re.search(rf'^{start}.*?(?=^\S)', path.read_text(), re.MULTILINE | re.DOTALL)[0]


def write_tests(folder):
    """Copies the tests for an older NumPy, with the helper and the fixture of theirs."""
    text = (NUMPY / '_core/tests/test_multithreading.py').read_text()
    for old, new in NEWER.items():
        text = text.replace(old, new)
    helper = block(NUMPY / 'testing/_private/utils.py', r'def run_threaded\(')
    text = text.replace('from numpy.testing._private.utils import run_threaded\n', f'\n\n{helper}')
    (folder / 'test_threads.py').write_text(text)
    fixtures = ''.join(block(NUMPY / 'conftest.py', rf'@pytest.fixture[^\n]*\ndef {name}\(')
                       for name in ('random_string_list', 'coerce'))
    (folder / 'conftest.py').write_text(f'import string\nimport numpy as np\nimport pytest\n\n\n{fixtures}')


def run_tests(*target):
    done = Installed('run_installed').run_installed('python', '-m', 'pytest', '--ftstress', '-q', '-p', 'no:cacheprovider',
                                                    *target,
                                             env={'HOME': Installed.folder.name})
    return done.returncode, done.stdout + done.stderr


def main():
    Installed.setUpClass()
    others = next(Installed.venv.glob('lib/*/site-packages')) / 'others.pth'
    both = others.read_text()
    others.write_text(f'{SITE}\n')
    status, text = run_tests('--pyargs', 'numpy._core.tests.test_multithreading')
    silent = status == 0 and re.search(r'nothing found.*: 0 in \d+ calls', text)
    print(f'NumPy 2.2.6: {"nothing found" if silent else text}', flush=True)
    others.write_text(both)
    folder = Path(Installed.folder.name, 'numpy-tests')
    folder.mkdir()
    write_tests(folder)
    for _ in range(4):
        status, text = run_tests(folder)
        if status >= 0:  # else pytest's own call of a test crashed, which no child does for it
            break
    found = status == 1 and re.search(r"the target's fault: PyArray_Repeat in numpy 2\.2\.2", text)
    print(f'{BROKEN}: {"PyArray_Repeat is found" if found else text}', flush=True)
    Installed.doClassCleanups()
    return not (silent and found)


if __name__ == '__main__':
    sys.exit(main())
