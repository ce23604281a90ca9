"""The tests of `pytest --ftstress` in a child: each is one statement, which all threads call.

pytest is not made for threads. Here, it only collects and makes fixtures, in one thread at a time; the threads call
the test functions themselves. Each thread has its own instances of the fixtures, unless the test is marked as shared.
"""
import inspect
import threading

import pytest
from _pytest.config import _prepareconfig
from _pytest.runner import SetupState

from ftstress.pytest_arrays import Arrays, is_array

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
        self.is_main = is_main()
        self.arguments = {}  # place of a test -> the arguments of its function
        self.items = {place_of(item): item for item in self.session.perform_collect()}

    def is_plain(self, place):
        """Does a test need no fixture?"""
        item = self.items[place]
        parameters, manager = given_to(item), self.session._fixturemanager
        return not any(name not in parameters or manager.getfixturedefs(name, item) for name in item.fixturenames
                       if name not in INDEXES and (name != 'request' or name in item._fixtureinfo.argnames))

    def arguments_of(self, place):
        """Makes the fixtures of a test, in the main thread each time. Returns the arguments of its function, and what ends
        its fixtures: a function that yielded ends when nothing holds that."""
        item = self.items[place]
        if self.is_main:
            forget_fixtures(item)
        # A stack of fixtures for each test: those of the tests before are still in use.
        self.session._setupstate = SetupState()
        own = [definition for definitions in item._fixtureinfo.name2fixturedefs.values() for definition in definitions
               if definition.scope == 'function']
        for definition in own:
            definition.cached_result = None
            definition._finalizers.clear()
        self.session._setupstate.setup(item)
        held = [each for definition in own for each in definition._finalizers]
        arguments = self.arguments.setdefault(place, {})
        arguments.update((name, item.funcargs[name]) for name in item._fixtureinfo.argnames)
        return arguments, held

    def places_of(self, place, test, arguments):
        """Returns where pytest itself has the arrays among the arguments of a test, for pytest_arrays."""
        item = self.items[place]
        found = []
        for name, value in arguments.items():
            if is_array(value) and item.funcargs.get(name) is value:
                path = f'{test}.{name}'
                found.append((path, item.funcargs, name))
                for definition in item._fixtureinfo.name2fixturedefs.get(name, ()):
                    found += [(path, *where) for where in kept_by(definition, value)]
        return found


def is_main():
    return threading.get_ident() == threading.main_thread().ident


def forget_fixtures(item):
    """Lets pytest make the fixtures again, in the same dict: an earlier statement of the test may still have that."""
    funcargs = item.funcargs
    funcargs.clear()
    item._initrequest()
    item.funcargs = funcargs


def kept_by(definition, value):
    """Returns where a fixture has its value: in its result, and in variables of a function that yielded it."""
    if definition.cached_result and definition.cached_result[0] is value:
        yield definition.cached_result, 0
    for finalizer in definition._finalizers:
        for generator in filter(inspect.isgenerator, getattr(finalizer, 'args', ())):
            variables = generator.gi_frame.f_locals if generator.gi_frame else {}
            yield from ((variables, name) for name in list(variables) if variables[name] is value)


class Test:
    """A test as a statement: `test_name()`. The detectors watch its arrays, and see nothing of pytest."""
    __slots__ = ('__ftstress_shares__', 'call')

    def __init__(self, spec, place):
        self.call, arrays = caller_of(spec, place, _session(spec))
        self.__ftstress_shares__ = arrays.shares()

    def __call__(self, **indexes):
        self.call(indexes)


def given_to(item):
    return item.callspec.params if hasattr(item, 'callspec') else {}


def own(value):
    """Returns a copy of an array that is a parameter: pytest has that in many places."""
    is_whole = is_array(value) and (value.flags.c_contiguous or value.flags.f_contiguous)
    return value.copy(order='K') if is_whole else value


def caller_of(spec, place, main):
    """Returns a function that calls the test, with an instance of its class, or fixtures, of the thread; and its arrays."""
    item, shared, is_plain = main.items[place], place in spec['shared'], main.is_plain(place)
    test = spec['places'][place]
    given = given_to(item)
    parameters = {name: own(value) for name, value in given.items()}
    arguments = {name: parameters.get(name) for name in item._fixtureinfo.argnames}
    threads = threading.local()

    def make():
        if is_plain:
            return (getattr(item.cls(), item.originalname) if item.cls else item.obj), arguments, ()
        session = _session(spec)
        fixtures, held = session.arguments_of(place)
        fixtures.update((name, parameters[name]) for name, value in given.items() if fixtures.get(name) is value)
        return session.items[place].obj, fixtures, held

    first = threads.call = make()
    places = [(f'{test}.{name}', parameters, name) for name in parameters]
    arrays = Arrays(item, test, *first[:2], places if is_plain else places + main.places_of(place, test, first[1]))
    is_traced = is_main()

    def prepare():
        with _lock:
            threads.call = first if shared else make()
            return threads.call

    def call(indexes):
        function, arguments, _ = threads.__dict__.get('call') or prepare()
        arguments = {**arguments, **indexes}
        try:
            if is_traced and is_main():
                arrays.call(function, arguments)
            else:
                function(**arguments)
        except pytest.skip.Exception:
            pass  # the statement is to return: pytest itself called the test before, and it passed
    return call, arrays


def _session(spec):
    """The session of this thread. Call it with the lock."""
    sessions = _threads.__dict__.setdefault('sessions', {})
    key = tuple(spec['places'])
    if key not in sessions:
        sessions[key] = Session(spec['arguments'], spec['options'], key)
    return sessions[key]


def load(spec):
    """Returns the tests of a run, as statements."""
    with _lock:
        return [Test(spec, place) for place in spec['places']]

