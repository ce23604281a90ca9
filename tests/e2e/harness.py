"""Helpers of the end-to-end tests: run ftstress, and read its output."""
import functools
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import weakref
from pathlib import Path

BUILD = Path(os.environ.get('FTSTRESS_BUILD') or Path(__file__).resolve().parents[2] / 'build').absolute()
FTSTRESS = BUILD / 'bin' / 'ftstress'
GOOD, BROKEN = 'numpy-2.2.6', 'numpy-2.2.2'  # venvs without and with the seed bug
LAST_LINE = re.compile(r'ftstress: (?:1 finding|(?!1 )\d+ findings) in \d+ calls, ')
OUTPUT_SHOWN = 6000
# Programs built with a sanitizer (scripts/check/tsan_suite.sh) are slower by this factor, and have another malloc.
PATIENCE = int(os.environ.get('FTSTRESS_PATIENCE', 1))
LONGER = (10, 30, 100)  # seconds for further tries of such a program, if the time was too short to test anything
SANITIZED = 'FTSTRESS_PATIENCE' in os.environ
OWN_MALLOC = "needs glibc's malloc, which sanitizer builds do not have"
UNSANITIZED = {'guard': 'needs the guard, which is off in sanitizer builds', 'arena': OWN_MALLOC}
FOREIGN = ('VIRTUAL_ENV', 'PYTHONPATH', 'PYTHONHOME', 'PYTHON_GIL', 'PYTHONSAFEPATH', 'NO_COLOR')

# True in some of the calls that other threads make at the same time, and in no lone call. The list is in a module, where
# statements may change it.
BESIDE = """import os, sys
inside = sys.__dict__.setdefault('inside', [])
def beside():
    sys.inside.append(1)
    most = max(len(sys.inside) for _ in range(500))
    sys.inside.pop()
    return most > 1
del inside"""


# Threads that take the locks a and b in both orders stop for good; one thread does not.
TAKE_LOCKS = '''import threading, time
a, b, alone = threading.Lock(), threading.Lock(), threading.main_thread().ident
def take(first, second):
    with first:
        if threading.get_ident() != alone:
            time.sleep(0.02)
        with second:
            pass
'''


@functools.cache
def default_detectors():
    """Returns the detectors that are on without --detect, as `ftstress list` names them."""
    lines = subprocess.run([FTSTRESS, 'list', 'detectors'], capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines if not line.endswith('(off by default)')]


def others(detector):
    """Returns the value of --detect that switches one detector off."""
    return ','.join(name for name in default_detectors() if name != detector)


def patient(arguments):
    """Returns the arguments with the times that a slower program needs."""
    arguments = list(map(str, arguments))
    for i, (option, value) in enumerate(zip(arguments, arguments[1:]), 1):
        time_given = re.fullmatch(r'(\d+(?:\.\d+)?)(\w*)', value) if option in ('--time', '--timeout', '--verify') else None
        if time_given:
            arguments[i] = f'{float(time_given[1]) * PATIENCE:g}{time_given[2]}'
    return arguments


def interpreter(python):
    """Returns the interpreter of a venv of the build; a path stays as it is."""
    return str(python) if '/' in str(python) else str(BUILD / 'venvs' / python / 'bin' / 'python')


class Run:
    """One `ftstress run`: starts at once; finish() waits for its end."""

    def __init__(self, *args, command='run', python=GOOD, env=None, stdout=None, prefix=()):
        self.dir = Path(tempfile.mkdtemp(prefix='ftstress-e2e-'))
        weakref.finalize(self, shutil.rmtree, self.dir, ignore_errors=True)
        self.cwd = self.dir / 'cwd'
        self.cwd.mkdir()
        self.command = [*prefix, str(FTSTRESS), command, *(['-p', interpreter(python)] if python else [])]
        for option, name in (('--json', 'report.json'), ('--out', 'out')):
            if option not in args:
                self.command += [option, str(self.dir / name)]
        if command == 'run' and '--verify' not in args:  # test_verify.py tests it
            self.command += ['--verify', '0']
        self.command += patient(args)
        environment = {key: value for key, value in os.environ.items() if key not in FOREIGN}
        environment |= {'PYTHONPATH': str(BUILD / 'planted')} | (env or {})
        self.began = time.monotonic()
        with open(self.dir / 'stdout', 'wb') as out, open(self.dir / 'stderr', 'wb') as err:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err,
                                            cwd=self.cwd, env=environment, start_new_session=True)
        self.status = self.seconds = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for pid in self.children():
            os.kill(pid, 9)

    def finish(self, timeout=60):
        """Waits for the end. Kills a run that takes too long, which fails the test."""
        try:
            self.status = self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'no end after {timeout} s{self}') from None
        self.seconds = (time.monotonic() - self.began) / PATIENCE
        self.skip_unsanitized()
        return self

    def skip_unsanitized(self):
        """Skips a run with a detector that sanitizer builds do not have."""
        asked = self.command[self.command.index('--detect') + 1].split(',') if '--detect' in self.command else ()
        for detector, reason in UNSANITIZED.items() if SANITIZED else ():
            if asked != others(detector).split(',') and detector in asked:
                raise unittest.SkipTest(reason)

    def children(self):
        """Returns the pids of the children of this run that are not zombies, by their session; forks of theirs, too."""
        found = []
        for entry in Path('/proc').iterdir():
            try:
                comm, _, rest = (entry / 'stat').read_text().rpartition(') ')
            except OSError:
                continue
            state, _, _, session = rest.split()[:4]
            if comm.endswith('(ftstress-child') and int(session) == self.process.pid and state not in 'ZX':
                found.append(int(entry.name))
        return found

    def text(self, name):
        return (self.dir / name).read_text(errors='replace')

    @property
    def out(self):
        return self.text('stdout')

    @property
    def err(self):
        return self.text('stderr')

    @property
    def last_line(self):
        return self.err.rstrip('\n').rpartition('\n')[2]

    @property
    def json(self):
        """The report of --json, or None if none was written."""
        path = self.dir / 'report.json'
        return json.loads(path.read_text()) if path.exists() else None

    def findings(self, **wanted):
        """Returns the findings with these values, as in findings(kind='crash', function='bug')."""
        return [finding for finding in (self.json or {}).get('findings', ())
                if all(finding[key] == value for key, value in wanted.items())]

    def kinds(self):
        return sorted({finding['kind'] for finding in self.findings()})

    def __str__(self):
        def shown(title, text):
            cut = '…\n' if len(text) > OUTPUT_SHOWN else ''
            return f'\n--- {title} ---\n{cut}{text[-OUTPUT_SHOWN:]}'
        return (f'\n$ {" ".join(map(repr, self.command))}\nexit status {self.status}'
                + shown('stderr', self.err) + shown('stdout', self.out))


def run(*args, timeout=60, until=None, **options):
    """Runs ftstress run to its end. A sanitizer build gets further tries with more time, until it tested something and
    `until(done)` holds, because its threads meet less often; so does a run that had no time for a kind of child. On a busy
    machine a run gets one more try where it had no time to test anything."""
    done = Run(*args, **options).finish(timeout)
    for seconds in LONGER:
        starved = 'give it more --time' in done.err
        if not starved and (until is None or until(done)):
            break
        if not SANITIZED and not (starved and seconds == LONGER[0]) and not (until and (done.json or {}).get('no_turn')):
            break
        done = Run(*args, '--time', seconds, **options).finish(timeout + seconds)
    return done


def wait_until(condition, seconds):
    """Polls the condition; returns its value, or None after the time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.05)
    return None


def functions(stack):
    """Returns the functions of a stack, innermost first, with bug for gcc's bug.cold."""
    return [(frame['function'] or '').removesuffix('.cold') for frame in stack['frames']]


def each(rows):
    """Makes one test of each row; a row is a tuple that begins with a unique name."""
    def mark(method):
        method.rows = list(rows)
        return method
    return mark


class EndToEnd(unittest.TestCase):
    """A test case that prints the output of the program when it fails."""
    longMessage = True

    def __init_subclass__(cls):
        for name, method in list(vars(cls).items()):
            for row in getattr(method, 'rows', ()):
                def test(self, method=method, row=row):
                    method(self, *row)
                part = re.sub(r'\W+', '_', str(row[0])).strip('_')
                full = f'{name}_{part}'
                assert not hasattr(cls, full), f'two rows are called {full}'
                test.__doc__ = f'{part}: {(method.__doc__ or name).strip().splitlines()[0]}'
                setattr(cls, full, test)
            if hasattr(method, 'rows'):
                delattr(cls, name)

    def unless_sanitized(self, reason, here=True):
        """Skips a test that sanitizer builds cannot pass."""
        if here and SANITIZED:
            self.skipTest(reason)

    def check(self, condition, done, sentence):
        """Like assertTrue, but prints the output of the run."""
        if not condition:
            self.fail(f'{sentence}{done}')

    def expect(self, done, status):
        """Checks the exit status, and what holds for every run with a report."""
        self.assertEqual(done.status, status, done)
        self.check('Traceback' not in done.err, done, 'a traceback on standard error')
        report = done.json
        if report is None:
            return done
        verdict = {0: 'clean', 1: 'finding', 3: 'untested'}.get(status)
        self.assertRegex(done.last_line, LAST_LINE, done)
        self.check(report['schema'] == 'ftstress-report/1', done, 'the schema is not ftstress-report/1')
        self.check(verdict is None or report['verdict'] == verdict, done, f"the verdict is {report['verdict']}")
        counted = [f for f in report['findings']
                   if not f.get('known') and (f['blame'] != 'user' or '--strict' in done.command)]
        self.check((status == 1) == bool(counted) or status == 125, done,
                   f"{len(report['findings'])} findings with status {status}")
        return done
