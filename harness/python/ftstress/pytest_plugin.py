"""pytest --ftstress: calls each test from many threads, in processes of its own, under the detectors of ftstress.

A test runs as ever first, and before that in a fork of pytest, because some end their process. Those that pass, and that
threads can share, become the statements of a run of ftstress, and so do those that ended the fork: the tests of a module,
and those of the next modules that fit into the same run. A finding fails the tests that it names.
"""
import ast
import inspect
import itertools
import json
import math
import re
import subprocess
import tempfile
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

from ftstress import PROGRAM, environment, pytest_fork
from ftstress.pytest_arrays import name_of
from ftstress.pytest_child import INDEXES, Fixtures, place_of

STEPS_MAX = 60  # a plan has at most 64

# Markers and options of pytest-run-parallel that have the same meaning here.
MARKERS = ('thread_unsafe(reason): the test runs on one thread only',
           'parallel_threads(n): threads of this test', 'parallel_threads_limit(n): at most n threads',
           'iterations(n): calls of each thread',
           'ftstress_shared: all threads have the same instances of the fixtures')
# Fixtures and functions that change the whole process, so that tests on several threads disturb each other.
UNSAFE_FIXTURES = {'capfd', 'capfdbinary', 'caplog', 'capsys', 'capsysbinary', 'monkeypatch', 'pytester', 'recwarn'}
UNSAFE_CALLS = {'catch_warnings', 'chdir', 'deprecated_call', 'simplefilter', 'warns'}


def pytest_addoption(parser):
    group = parser.getgroup('ftstress', 'stress tests without the GIL')
    group.addoption('--ftstress', action='store_true', help='call each test from many threads, under ftstress')
    group.addoption('--ftstress-time', type=float, default=0.15, metavar='SECONDS',
                    help='time of each test (default: %(default)s; a run takes at least 8 s)')
    group.addoption('--ftstress-detect', metavar='LIST', help='detectors, as with ftstress run --detect; growth: leaks')
    group.addoption('--ftstress-out', default='ftstress-out', metavar='DIR', help='where findings are kept')
    if not find_spec('pytest_run_parallel'):  # that adds them, too
        group.addoption('--parallel-threads', help='threads of each test (default: 8)')
        group.addoption('--iterations', type=int, help='calls of each thread (default: until the time is over)')


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    for marker in MARKERS:
        config.addinivalue_line('markers', marker)
    if not config.pluginmanager.has_plugin('run-parallel'):
        config.pluginmanager.register(Fixtures(), 'ftstress-fixtures')
    if config.getoption('ftstress'):
        config.pluginmanager.unregister(name='_run-parallel')  # pytest's own call of a test is on one thread
        config.pluginmanager.register(Stress(config), 'ftstress-runs')


def number_of(item, marker, option):
    """Returns the number that a marker or else an option gives; None without one. An option that is 1 is none."""
    mark = item.get_closest_marker(marker)
    if mark and mark.args:
        return int(mark.args[0]) if str(mark.args[0]).isdigit() else None
    value = str(item.config.getoption(option, None))
    return int(value) if value.isdigit() and int(value) > 1 else None


def threads_of(item):
    limit = item.get_closest_marker('parallel_threads_limit')
    threads = number_of(item, 'parallel_threads', 'parallel_threads')
    return min(threads or 8, int(limit.args[0])) if limit and limit.args else threads


def iterations_of(item):
    return number_of(item, 'iterations', 'iterations')


def names_in(function):
    """Returns the names that the source of a function has."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return set()
    return {getattr(node, 'attr', None) or getattr(node, 'id', None) for node in ast.walk(tree)}


def why_not(item):
    """Returns why threads cannot share a test; None if they can."""
    if type(item) is not pytest.Function:
        return f'a {type(item).__name__} is not a test function of pytest'
    if inspect.iscoroutinefunction(item.obj) or inspect.isasyncgenfunction(item.obj):
        return 'it is async'
    mark = item.get_closest_marker('thread_unsafe')
    if mark:
        return mark.kwargs.get('reason') or (mark.args[0] if mark.args else 'it is marked thread_unsafe')
    if threads_of(item) == 1:
        return 'it is marked for one thread'
    unsafe = UNSAFE_FIXTURES.intersection(item._fixtureinfo.argnames) or UNSAFE_CALLS.intersection(names_in(item.obj))
    return f'it uses {min(unsafe)}, which changes the whole process' if unsafe else None


def options_of(config):
    """Returns the values of the options that conftest files and plugins add without a group of their own."""
    names = [option.dest for option in config._parser._anonymous.options]
    return {name: value for name in names if is_literal(value := getattr(config.option, name, None))}


def is_literal(value):
    if isinstance(value, (list, tuple)):
        return all(map(is_literal, value))
    return value is None or type(value) in (bool, int, str)


def modules_of(items):
    return [list(module) for _, module in itertools.groupby(items, key=lambda item: item.path)]


def batch_of(items):
    """Returns the tests of the first module, and those of the next ones that fit into the same run: a short run costs as
    much as a longer one."""
    batch = []
    for module in modules_of(items):
        if batch and len(batch) + len(module) > STEPS_MAX:
            break
        batch += module
    return batch


def names_of(items):
    """Returns the names of tests: their own, after that of the class or module where an earlier test has that, too."""
    names = []
    for item in items:
        name = name_of(item.name)
        if name in names:
            name = f'{name_of(item.cls.__name__ if item.cls else item.path.stem)}_{name}'
        while name in names:
            name += '_'
        names.append(name)
    return names


def plan_of(items, arguments):
    """Returns the plan of a run: each test is a statement. Also returns the statements, in the order of the tests."""
    names, statements = names_of(items), []
    for item, name in zip(items, names):
        used = [index for index in INDEXES if index in item._fixtureinfo.argnames]
        statements.append(f'{name}({", ".join(f"{index}={index}" for index in used)})')
    spec = {'arguments': arguments, 'options': options_of(items[0].config),
            'places': dict(zip(map(place_of, items), names)),
            'shared': [place_of(item) for item in items if item.get_closest_marker('ftstress_shared')]}
    setup = ('from ftstress import pytest_child\n'
             f'spec = {spec!r}\n'
             f'{", ".join(names)}, = pytest_child.load(spec)\n')
    more = len(modules_of(items)) - 1
    name = items[0].nodeid.partition('::')[0] or items[0].path.name
    name += f' and {more} more module{"s" * (more > 1)}' if more else ''
    return {'name': name, 'setup': setup, 'steps': statements}, statements


def named_in(finding, items, statements):
    """Returns the tests that a finding names."""
    text = '\n'.join([finding['statement'] or '', *finding.get('also_in', ())])
    return [item for item, statement in zip(items, statements) if re.search(rf'(?<!\w){re.escape(statement)}', text)]


def is_failure(finding):
    return finding['blame'] != 'user' and not finding.get('known')


class Stress:
    """The runs of ftstress of one session of pytest."""

    def __init__(self, config):
        self.config = config
        self.reports = {}   # nodeid -> reports of pytest, which wait for their turn
        self.ending = set()  # nodeids of tests that ended their process
        self.single = {}    # nodeid -> why it ran on one thread only
        self.clean = []     # what the runs without a finding have tested
        self.findings = {}  # id -> (finding, its text, nodeids)
        self.growing = []   # runs in which memory seems to grow

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        if item.nodeid not in self.reports:
            self.run_batch(item, nextitem)
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self.reports.pop(item.nodeid):
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def run_batch(self, first, nextitem):
        """Runs the tests of a module, or of some, as pytest does, and then under ftstress. A worker of xdist gets whole
        modules, or single tests."""
        items = [first]
        dealt = getattr(self.config, 'workerinput', {}).get('ftstress_dealt')
        if dealt != 'tests':
            rest = first.session.items[first.session.items.index(first):]
            items = modules_of(rest)[0] if dealt else batch_of(rest)
            nextitem = rest[len(items)] if len(rest) > len(items) else None
        self.call_all(items, nextitem)
        self.stress([item for item in items if item.nodeid in self.reports and self.can_stress(item)])

    def call_all(self, items, nextitem):
        """Calls the tests as pytest does, but those that end the process, which a fork has shown."""
        left = (self.config.getoption('maxfail') or math.inf) - items[0].session.testsfailed
        ends = pytest_fork.find_ends(items, nextitem, left)
        alive = [item for item in items if item.nodeid not in ends]
        following = dict(zip(alive, [*alive[1:], nextitem]))
        if ends:
            pytest_fork.drop_captured(self.config)
        for item in items:
            if item.nodeid in ends:
                reports = [pytest.TestReport(item.nodeid, item.location, {}, 'failed',
                                             f'the test ended its process: {ends[item.nodeid]}', 'call')]
                self.ending.add(item.nodeid)
            else:
                reports = runtestprotocol(item, log=False, nextitem=following[item])
            self.reports[item.nodeid] = reports
            left -= any(report.failed for report in reports)
            if left <= 0:  # pytest ends when it gets these reports
                break

    def can_stress(self, item):
        if any(report.outcome != 'passed' for report in self.reports[item.nodeid]) and item.nodeid not in self.ending:
            return False
        is_unexpected = any(hasattr(report, 'wasxfail') for report in self.reports[item.nodeid])
        reason = 'it is marked xfail, and passed' if is_unexpected else why_not(item)
        if reason:
            self.single[item.nodeid] = reason
        return not reason

    def stress(self, items):
        """Makes one run for the tests that have the same threads and iterations, and one for each that ended its process:
        what it breaks would fail the others."""
        def of(item):
            return threads_of(item) or 0, iterations_of(item) or 0
        for item in items:
            if item.nodeid in self.ending:
                self.run([item], *of(item))
        items = [item for item in items if item.nodeid not in self.ending]
        for (threads, iterations), group in itertools.groupby(sorted(items, key=of), of):
            group = list(group)
            runs = math.ceil(len(group) / STEPS_MAX)
            for some in itertools.batched(group, math.ceil(len(group) / runs)):
                self.run(some, threads, iterations)

    def run(self, items, threads, iterations):
        with tempfile.TemporaryDirectory(prefix='ftstress-') as folder:
            plan, statements = plan_of(items, self.arguments())
            plan |= {'threads': threads} if threads else {}
            plan |= {'iterations': iterations} if iterations else {}
            path, report = Path(folder, 'plan.yaml'), Path(folder, 'report.json')
            path.write_text(json.dumps(plan))  # JSON is YAML
            detect = self.config.getoption('ftstress_detect')
            seconds = max(8, self.config.getoption('ftstress_time') * len(items))
            done = subprocess.run([PROGRAM, 'run', path, '--time', f'{seconds:g}', '--verify', '10', '--json', report,
                                   '--out', self.config.getoption('ftstress_out'), *(['--detect', detect] if detect else [])],
                                  capture_output=True, text=True,
                                  errors='replace', env=environment(), cwd=self.config.invocation_params.dir, check=False)
            found = json.loads(report.read_text()) if report.exists() else None
        if done.returncode in (0, 1) and found:
            self.narrow(items, statements, found, (threads, iterations))
            guilty = self.take(items, statements, found, done.stdout)
            rest = [item for item in items if item not in guilty]
            if guilty and rest and not found['tested_calls']:  # each process ended before threads called the rest
                self.run(rest, threads, iterations)
        elif len(items) > 1:  # one of them may be why
            half = len(items) // 2
            self.run(items[:half], threads, iterations)
            self.run(items[half:], threads, iterations)
        else:
            self.single[items[0].nodeid] = (found or {}).get('reason') or done.stderr.strip().rpartition('\n')[2]

    def arguments(self):
        config = self.config
        arguments = [f'--rootdir={config.rootpath}', f'--import-mode={config.getoption("importmode")}']
        arguments += [f'--config-file={config.inipath}'] if config.inipath else []
        return arguments + [word for name in config.getoption('plugins') for word in ('-p', name)]

    def narrow(self, items, statements, report, numbers):
        """Runs each module on its own where a finding of some modules names no test, so that it fails those of one."""
        modules = modules_of(items)
        is_unnamed = any(is_failure(finding) and not finding['cause'] and not named_in(finding, items, statements)
                         for finding in report['findings'])
        for module in modules if is_unnamed and len(modules) > 1 else ():
            self.run(module, *numbers)

    def failed_again(self, finding, items):
        """Returns the tests that the run of their module has failed with a finding of the same kind."""
        nodeids = [nodeids for other, _, nodeids in self.findings.values() if other['kind'] == finding['kind']]
        return [item for item in items if item.nodeid in itertools.chain(*nodeids)]

    def take(self, items, statements, report, said):
        """Fails the tests of the findings of a report. Returns the tests of all findings."""
        self.clean += [f'{report["name"]}: {line.strip()}' for line in said.splitlines()
                       if line.startswith('  nothing found')]
        self.growing += [f'{report["name"]}: {note.partition(";")[0]}' for note in report['notes']
                         if note.startswith('memory seems to grow')]
        blocks = {}
        for block in filter(str.strip, said.split('\n\n')):
            blocks.setdefault(block.split(maxsplit=1)[0], block)
        tests = {}  # id -> its tests; those of a consequence are those of its cause
        for finding in sorted(report['findings'], key=lambda finding: bool(finding['cause'])):
            named = tests.get(finding['cause']) or named_in(finding, items, statements)
            again = [] if named else self.failed_again(finding, items)
            tests[finding['id']] = guilty = named or again or items
            if is_failure(finding) and not again:
                for item in guilty:
                    self.fail(item, finding, blocks.get(finding['id'], finding['message']).strip())
        return list(itertools.chain(*tests.values()))

    def fail(self, item, finding, text):
        _, _, nodeids = self.findings.setdefault(finding['id'], (finding, text, []))
        if item.nodeid in nodeids:
            return
        nodeids.append(item.nodeid)
        for report in self.reports[item.nodeid]:
            if report.when == 'call':
                report.longrepr = text if report.outcome == 'passed' else f'{report.longrepr}\n\n{text}'
                report.outcome = 'failed'

    def pytest_sessionfinish(self):
        if hasattr(self.config, 'workeroutput'):
            self.config.workeroutput['ftstress'] = self.findings, self.clean, self.single, self.growing

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_make_scheduler(self, config, log):
        """Deals out whole modules, in place of single tests."""
        if config.getoption('dist') == 'load':
            from xdist.scheduler import LoadFileScheduling
            return LoadFileScheduling(config, log)
        return None

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node):
        whole = node.config.getoption('dist') in ('load', 'loadfile')
        node.workerinput['ftstress_dealt'] = 'modules' if whole else 'tests'

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Adds what a worker of xdist found, because only the main process prints the end."""
        findings, clean, single, growing = getattr(node, 'workeroutput', {}).get('ftstress', ({}, [], {}, []))
        for identity, (finding, text, nodeids) in findings.items():
            self.findings.setdefault(identity, (finding, text, []))[2].extend(nodeids)
        self.clean += clean
        self.growing += growing
        self.single |= single

    def pytest_terminal_summary(self, terminalreporter):
        write = terminalreporter.write_line
        if self.findings:
            terminalreporter.section('ftstress: findings')
        for identity, (finding, _, nodeids) in self.findings.items():
            write(f'{identity}  {finding["kind"]}  {finding["message"]}')
            write(f'    in {", ".join(nodeids[:3])}{f" and {len(nodeids) - 3} more tests" if len(nodeids) > 3 else ""}')
            write(f'    ftstress show {identity} --out {self.config.getoption("ftstress_out")}')
        if self.clean:
            terminalreporter.section('ftstress: nothing found')
        for line in self.clean:
            write(line)
        if self.growing:
            terminalreporter.section('ftstress: no finding yet; --ftstress-detect growth shows what grows')
        for line in self.growing:
            write(line)
        if self.single:
            terminalreporter.section('ftstress: tests that ran on one thread only')
        for nodeid, reason in self.single.items():
            write(f'{nodeid}: {reason}')
