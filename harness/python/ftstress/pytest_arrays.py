"""The arrays of a test, for the detectors: those in variables of its module, in closures, defaults, fixtures and instances,
and those that it makes itself.

A place is a tuple of a path, a holder and a key. The child reads it, watches the array that is there, and may put its twin
behind the tripwire there. Holders are dicts, tuples, cells, classes and the variables of a frame; see
harness/child/space/reach.h. All of this is for the main thread, which makes the first calls of a child.
"""
import re
import sys
import sysconfig
import types

BYTES_MAX = 1 << 16  # of an array that is compared from line to line
LINES_MAX = 2000     # of a call that is traced
MADE_MAX = 8         # arrays that a test makes itself
SWAPS_MAX = 3        # calls with twins of those
PYTESTS = {'_pytest', 'pytest'}
LIBRARIES = (sysconfig.get_path('stdlib'), sysconfig.get_path('purelib'), sysconfig.get_path('platlib'), '<')

_changed = set()  # paths of arrays that tests change themselves
_made = {}        # nodeid of a test -> the arrays that a call of it made, by name


def is_array(value):
    """Is it exactly an ndarray? One of objects holds references, and is not watched."""
    numpy = sys.modules.get('numpy')
    return numpy is not None and type(value) is numpy.ndarray and not value.dtype.hasobject


def names_in(code):
    """Returns the names that a function and those inside of it use."""
    inner = (names_in(each) for each in code.co_consts if isinstance(each, types.CodeType))
    return set(code.co_names).union(*inner)


def is_set(cell):
    try:
        return [cell.cell_contents] is not None
    except ValueError:
        return False


def cells_of(function):
    """Returns the cells of the variables that a function has of functions around it, by name."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or ())
    return {name: cell for name, cell in cells if is_set(cell)}


def functions_of(function, variables):
    """Returns what a call of the function may run, as far as it is of the module with these variables: itself, what it names
    and what it wraps."""
    found, waiting = [], [getattr(function, '__func__', function)]
    kinds = type(getattr(function, '__self__', None)).__mro__
    while waiting:
        each = waiting.pop()
        if type(each) is types.FunctionType and each not in found:
            found.append(each)
            waiting += [cell.cell_contents for cell in cells_of(each).values()]
            waiting += [holder[name] for name in names_in(each.__code__) for holder in (variables, *map(vars, kinds))
                        if name in holder]
    return [each for each in found if each.__globals__ is variables]


def places_in(name, function):
    """Returns the places that belong to a function itself: variables of functions around it, and defaults."""
    defaults, named = function.__defaults__ or (), function.__kwdefaults__ or {}
    code = function.__code__
    with_default = code.co_varnames[code.co_argcount - len(defaults):code.co_argcount]
    return ([(f'{name}.{variable}', cell, None) for variable, cell in cells_of(function).items()]
            + [(f'{name}.{argument}', defaults, at) for at, argument in enumerate(with_default)]
            + [(f'{name}.{argument}', named, argument) for argument in named])


def places_of(name, function, arguments, variables):
    """Returns the places of what a call of a test uses. variables: of its module."""
    functions = functions_of(function, variables)
    names = sorted(set().union(*(names_in(each.__code__) for each in functions)))
    places = [(f'{name}.{argument}', arguments, argument) for argument in arguments]
    module = variables['__name__'].rpartition('.')[2]
    places += [(f'{module}.{variable}', variables, variable) for variable in names if variable in variables]
    places += [place for each in functions for place in places_in(name, each)]
    instance = getattr(function, '__self__', None)
    if instance is not None:
        places.append((f'{name}.self', (instance,), 0))
        places += [(f'{kind.__name__}.{attribute}', kind, attribute) for kind in type(instance).__mro__
                   for attribute in names if attribute in vars(kind)]
    return [place for place in places if not is_pytests(value_at(place))]


def value_at(place):
    _, holder, key = place
    if isinstance(holder, types.CellType):
        return holder.cell_contents
    return vars(holder)[key] if isinstance(holder, type) else holder[key]


def is_pytests(value):
    """An object of pytest holds all of pytest."""
    return type(value).__module__.partition('.')[0] in PYTESTS


def layout_of(array):
    return array.dtype, array.shape, array.strides, array.flags.writeable


def bytes_of(array):
    return array.tobytes() if array.nbytes <= BYTES_MAX else b''


def name_of(text):
    """Returns a name for a statement."""
    return re.sub(r'\W', '_', text)


class Look:
    """Traces a call of a test: which arrays it makes, and which arrays it changes from one of its lines to another, or from
    one of a helper. It may put those back, which is no mutation by what it calls."""

    def __init__(self, code, places):
        self.code, self.lines, self.changed, self.made = code, 0, set(), {}
        self.states = {path: (array, self.state_of(array))
                       for path, array in ((place[0], value_at(place)) for place in places) if is_array(array)}

    def state_of(self, array):
        return layout_of(array), array.flags.num, array.__array_interface__['data'][0], bytes_of(array)

    def __call__(self, frame, *_):
        file = frame.f_code.co_filename
        return self.look if file == self.code.co_filename or not file.startswith(LIBRARIES) else None

    def look(self, frame, *_):
        self.lines += 1
        if self.lines > LINES_MAX:
            self.changed.update(self.made)
            sys.settrace(None)
            return None
        if frame.f_code is self.code:
            self.add_made(frame.f_locals)
        for path, (array, state) in self.states.items():
            if self.state_of(array) != state:
                self.changed.add(path)
        return self.look

    def add_made(self, variables):
        known = [array for array, _ in self.states.values()]
        for name, value in variables.items():
            if len(self.made) < MADE_MAX and is_array(value) and value.nbytes <= BYTES_MAX \
                    and not any(value is array for array in known) and name not in self.made:
                self.made[name] = value
                self.states[name] = value, self.state_of(value)

    def end(self, test):
        _made[test] = {name: array for name, array in self.made.items() if name not in self.changed}
        _changed.update(self.changed.difference(self.made))


def count_alone():
    """Returns the number of references to a value of one variable, where another variable has it, too."""
    value = object()
    return sys.getrefcount(value) + 1


ALONE = count_alone()


class Swap:
    """Traces a call of a test: puts the twins of the arrays that it makes, which are behind the tripwire, in their place."""

    def __init__(self, code, made):
        self.code, self.made = code, made

    def __call__(self, frame, *_):
        return self.look if frame.f_code is self.code else None

    def look(self, frame, *_):
        variables = frame.f_locals
        for name, twin in self.made.items():
            value = variables.get(name)
            if is_array(value) and value is not twin and sys.getrefcount(value) == ALONE \
                    and layout_of(value) == layout_of(twin) and bytes_of(value) == bytes_of(twin):
                variables[name] = twin
        return self.look

    def end(self, _):
        pass


class Arrays:
    """The arrays of a test. Its first call in a process shows which ones it makes; later ones have their twins."""

    def __init__(self, test, name, function, arguments, places):
        variables = vars(test.module)
        self.test, self.made = test.nodeid, _made.get(test.nodeid)
        self.places = places_of(name, function, arguments, variables) + places
        self.own = [(f'{name}.{variable}', self.made, variable) for variable in self.made or ()]
        self.code = next((each.__code__ for each in functions_of(function, variables)), None)
        self.swaps = SWAPS_MAX if self.made else 0

    def shares(self):
        """Returns the places for the detectors."""
        return [place for place in self.places if place[0] not in _changed] + self.own

    def tracer(self):
        """Returns what traces the next call, or None."""
        if self.code is None or sys.gettrace():
            return None
        if self.test not in _made:
            return Look(self.code, self.places)
        self.swaps -= 1
        return Swap(self.code, self.made) if self.swaps >= 0 else None

    def call(self, function, arguments):
        tracer = self.tracer()
        if tracer is None:
            return function(**arguments)
        sys.settrace(tracer)
        try:
            return function(**arguments)
        finally:
            sys.settrace(None)
            tracer.end(self.test)
