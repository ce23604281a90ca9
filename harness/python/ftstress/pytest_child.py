"""The tests of `pytest --ftstress` in a child: each is one statement, which all threads call.

pytest is not made for threads. Here, it only collects and makes fixtures, in one thread at a time; the threads call
the test functions themselves. Each thread has its own instances of the fixtures, unless the test is marked as shared.
"""
import threading

import pytest
from _pytest.config import _prepareconfig
from _pytest.runner import SetupState

# What a child has no use for, or what threads cannot share: output, the cache, this plugin and others that run tests.
WITHOUT = ('terminal', 'cacheprovider', 'capture', 'logging', 'faulthandler', 'threadexception', 'unraisableexception',
           'ftstress', 'run-parallel', 'xdist')

# A test that has one of these gets the index of its thread, and of the call.
INDEXES = ('thread_index', 'iteration_index')

_lock = threading.RLock()
_threads = threading.local()


class Fixtures:
    """The fixtures that pytest-run-parallel has; the indexes are for the call that pytest itself makes."""

    @pytest.fixture
    def thread_index(self):
        return 0

    @pytest.fixture
    def iteration_index(self):
        return 0

    @pytest.fixture
    def num_parallel_threads(self):
        return 1

    @pytest.fixture
    def num_iterations(self):
        return 1


def place_of(item):
    """Returns the file and the name of a test. Its nodeid alone depends on what pytest was called with."""
    return f'{item.path}::{item.nodeid.partition("::")[2]}'


class Session:
    """One collection of the tests, with fixtures of its own."""

    def __init__(self, arguments, options, places):
        plugins = [word for name in WITHOUT for word in ('-p', f'no:{name}')]
        self.config = _prepareconfig([*arguments, *plugins, '--assert=plain', '-o', 'addopts=', *places], [Fixtures()])
        vars(self.config.option).update(options)
        self.config._do_configure()
        self.session = pytest.Session.from_config(self.config)
        self.config.hook.pytest_sessionstart(session=self.session)
        self.items = {place_of(item): item for item in self.session.perform_collect()}

    def parameters_of(self, place):
        """Returns the arguments of a test that needs no fixture; None if it needs one."""
        item = self.items[place]
        parameters = item.callspec.params if hasattr(item, 'callspec') else {}
        manager = self.session._fixturemanager
        needs = any(name not in parameters or manager.getfixturedefs(name, item) for name in item.fixturenames
                    if name not in INDEXES and (name != 'request' or name in item._fixtureinfo.argnames))
        return None if needs else {name: parameters.get(name) for name in item._fixtureinfo.argnames}

    def arguments_of(self, place):
        """Makes the fixtures of a test, and returns the arguments of its function."""
        item = self.items[place]
        # A stack of fixtures for each test: those of the tests before are still in use.
        self.session._setupstate = SetupState()
        for definitions in item._fixtureinfo.name2fixturedefs.values():
            for definition in definitions:
                if definition.scope == 'function':
                    definition.cached_result = None
                    definition._finalizers.clear()
        self.session._setupstate.setup(item)
        return {name: item.funcargs[name] for name in item._fixtureinfo.argnames}


class Test:
    """A test as a statement: `test_name()`. The detectors watch the arrays that it names, and see nothing of pytest."""
    __slots__ = ('arrays', 'call')

    def __init__(self, spec, place):
        session = _session(spec)
        self.arrays = arrays_of(session.items[place].function)
        self.call = caller_of(spec, place, session)

    def __call__(self, **indexes):
        self.call(indexes)


def arrays_of(function):
    """Returns the arrays among the variables of the module that a function names."""
    code, names = getattr(function, '__code__', None), getattr(function, '__globals__', {})
    values = {name: names[name] for name in code.co_names if name in names} if code else {}
    return {name: value for name, value in values.items() if hasattr(type(value), '__array_interface__')}


def caller_of(spec, place, main):
    """Returns a function that calls the test: with an instance of its class, or fixtures, of the thread."""
    item, parameters, shared = main.items[place], main.parameters_of(place), place in spec['shared']
    threads = threading.local()

    def make():
        if parameters is None:
            session = _session(spec)
            return session.items[place].obj, session.arguments_of(place)
        return (getattr(item.cls(), item.originalname) if item.cls else item.obj), parameters

    first = threads.call = make()

    def prepare():
        with _lock:
            threads.call = first if shared else make()
            return threads.call

    def call(indexes):
        function, arguments = threads.__dict__.get('call') or prepare()
        try:
            function(**{**arguments, **indexes})
        except pytest.skip.Exception:
            pass  # the statement is to return: pytest itself called the test before, and it passed
    return call


def _session(spec):
    """The session of this thread. Call it with the lock."""
    sessions = _threads.__dict__.setdefault('sessions', {})
    key = tuple(spec['places'])
    if key not in sessions:
        sessions[key] = Session(spec['arguments'], spec['options'], spec['places'])
    return sessions[key]


def load(spec):
    """Returns the tests of a run, as statements."""
    with _lock:
        return [Test(spec, place) for place in spec['places']]

