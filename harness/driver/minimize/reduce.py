"""Prints smaller variants of a plan as JSON, the most promising first. Arguments: the axis, and the plan as JSON."""
import ast
import builtins
import copy
import json
import math
import re
import sys

CODE = 'setup', 'thread_setup', 'writer'
LISTS = 'steps', 'roles'
GIVEN = set(dir(builtins)) | {'thread_index', 'iteration_index', 'case', '__name__'}
RUNGS = 'private', 'readonly', 'one-writer', 'all'
MOST = 400
SHORTEST = 1000  # ms
LIKELY = 0.9  # the chance that the statement that fails is needed for that
# A hidden write shows on one thread, and harms another one that reads: how much depends on the sharing and the sizes.
HIDDEN = 'tripwire'


def parse(text):
    """Returns the statements of a text; one without the syntax of Python counts as one."""
    try:
        return [ast.unparse(part) for node in ast.parse(text).body for part in split(node)]
    except SyntaxError:
        return [text]


def split(node):
    """Returns one import for each name."""
    if not isinstance(node, (ast.Import, ast.ImportFrom)):
        return [node]
    return [ast.Import([alias]) if isinstance(node, ast.Import) else ast.ImportFrom(node.module, [alias], node.level)
            for alias in node.names]


def units_of(plan):
    """Returns what can be taken out: (key, index, text)."""
    units = [(key, i, text) for key in CODE for i, text in enumerate(parse(plan.get(key) or ''))]
    units += [(key, i, text) for key in LISTS for i, text in enumerate(plan.get(key) or ())]
    return units + [('inputs', i, f"{each['name']} = 0") for i, each in enumerate(plan.get('inputs') or ())]


def names_of(text):
    """Returns the names that a text binds, and those that it reads."""
    bound, read = set(), set()
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return bound, read
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).split('.')[0])
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
    return bound, read


def build(plan, kept):
    """Returns the plan with these units only, or None if nothing would run."""
    smaller = copy.deepcopy(plan)
    for key in CODE:
        smaller[key] = '\n'.join(text for at, _, text in kept if at == key)
    for key in LISTS:
        smaller[key] = [text for at, _, text in kept if at == key]
    smaller['inputs'] = [plan['inputs'][i] for at, i, _ in kept if at == 'inputs']
    return smaller if smaller['steps'] or smaller['roles'] else None


def closed(units, kept):
    """Returns the units without those that read a name which only missing ones bind."""
    everything = [names_of(text) for _, _, text in units]
    once = set().union(*(bound for bound, _ in everything)) if units else set()
    while True:
        bound = set().union(GIVEN, *(everything[i][0] for i in kept)) if kept else GIVEN
        left = [i for i in kept if not (everything[i][1] & once) - bound]
        if left == kept:
            return kept
        kept = left


def needed(units, at):
    """Returns the unit and those that bind the names that it reads, and so on."""
    everything = [names_of(text) for _, _, text in units]
    kept, names = {at}, set(everything[at][1])
    grows = True
    while grows:
        more = {i for i, (bound, _) in enumerate(everything) if bound & names} - kept
        grows = bool(more)
        kept |= more
        for i in more:
            names |= everything[i][1]
    return sorted(kept)


def without(units, gone):
    """Returns the units without these, those that need them, and those that only these needed."""
    runs = [i for i, (key, _, _) in enumerate(units) if key in LISTS]
    kept = closed(units, [i for i in range(len(units)) if i not in gone])
    left = set().union(*(needed(units, i) for i in runs if i in kept))
    garbage = set().union(*(needed(units, i) for i in runs)) - left
    return [i for i in kept if i not in garbage or i in left]


def says(plan, what, **changes):
    """Returns the plan with changes, and what they are, in a few words."""
    return {**plan, **changes, 'what': ' '.join(what.split())}


def taken(plan, units, kept):
    """Returns the plan with these units only, or None if nothing would run or nothing is gone."""
    gone = [text for i, (_, _, text) in enumerate(units) if i not in kept]
    smaller = build(plan, [units[i] for i in kept])
    rest = f' and {len(gone) - 3} more' if len(gone) > 3 else ''
    return says(smaller, 'without ' + '; '.join(gone[:3]) + rest) if smaller and gone else None


def shorter(plan):
    """Detectors that count use all of the time: less of it may do."""
    time = int(plan['time'].removesuffix('ms') or 0) if plan.get('counts') else 0
    for less in time // 4, time // 2:
        if less >= SHORTEST:
            yield says(plan, f"{less}ms in place of {plan['time']}", time=f'{less}ms')


def jump(plan):
    """A shorter time, and the statements that are known to fail, each alone with what it needs, and few threads at once."""
    yield from shorter(plan)
    units = units_of(plan)
    runs = [i for i, (key, _, _) in enumerate(units) if key in LISTS]
    for guilty in [*plan.get('causes', ()), plan['statement']]:
        for at in [i for i in runs if parse(units[i][2]) == parse(guilty)]:
            alone = taken(plan, units, needed(units, at)) if len(runs) > 1 else plan
            if alone and alone['threads'] > 2:
                yield {**alone, 'threads': 2, 'perturb': '', 'detect': plan['detector']}
            if alone and len(runs) > 1:
                yield {**alone, 'perturb': '', 'detect': plan['detector']}


def chances_at_first(plan, units, runs):
    """Returns the chance of each unit that the failure needs it: few of many are needed, and the one that fails is."""
    share = {True: 2 / max(len(runs), 1), False: 2 / max(len(units) - len(runs), 1)}
    guilty = parse(plan['statement'])
    return [LIKELY if i in runs and parse(text) == guilty else min(share[i in runs], 0.5)
            for i, (_, _, text) in enumerate(units)]


def most_promising(which, chances):
    """Returns the units of which the largest number goes on average when all of them are taken out at once."""
    order = sorted((i for i in which if chances[i] < 1), key=lambda i: chances[i])
    size = best = 0
    fails = 1
    for n, i in enumerate(order, 1):
        fails *= 1 - chances[i]
        if n * fails > best:
            size, best = n, n * fails
    return order[:size]


def raised(chances, gone):
    """Returns the chances after the failure did not come without these units: at least one of them is needed."""
    some = 1 - math.prod(1 - chances[i] for i in gone)
    return [1 if gone == [i] else min(1, chance / some) if i in gone else chance for i, chance in enumerate(chances)]


def parts(plan, units, which, chances):
    """Yields the plan without the best part, then without the best one if that was needed, and so on (as ProbDD does).
    `chances` changes with it."""
    while gone := most_promising(which, chances):
        likely = {i for i, chance in enumerate(chances) if chance >= LIKELY} - set(gone)
        kept = without(units, gone)
        smaller = taken(plan, units, kept) if likely <= set(kept) else None
        yield smaller and {**smaller, 'chances': [chances[i] for i in kept]}
        chances[:] = raised(chances, gone)


def statements(plan):
    """All but what nothing needs; then all but a part of what runs; then all but a part of the rest."""
    units = units_of(plan)
    runs = [i for i, (key, _, _) in enumerate(units) if key in LISTS]
    rest = [i for i in range(len(units)) if i not in runs]
    # After a success the pass goes on with what it has learned.
    chances = plan.get('chances') or chances_at_first(plan, units, runs)
    used = sorted(set().union(*(needed(units, i) for i in runs)))
    smaller = taken(plan, units, used)
    yield smaller and {**smaller, 'chances': [chances[i] for i in used]}
    for which in runs, rest:
        yield from parts(plan, units, which, chances)


def threads(plan):
    for n in 2, 3, 4, 6, 8, 12, 16, 32:
        if n < plan['threads']:
            yield says(plan, f"{n} threads in place of {plan['threads']}", threads=n)


def simpler_recipes(text):
    """Variants of one line for an array: without a part, and smaller."""
    for part in r'@\w+', r'~bcast\([^)]*\)', r'\+\d+$', r'\.T', r'(?<=\])\[[^\]]*\]':
        for found in re.finditer(part, text):
            yield text[:found.start()] + text[found.end():]
    base = re.match(r'([<>|]?)(\w+)\[([\d,]*)\]', text)
    if not base:
        return
    order, kind, shape = base.groups()
    sizes = [int(size) for size in shape.split(',') if size]
    rest = text[base.end():]
    if kind not in ('f8', 'i8'):
        yield f'{order}f8[{shape}]{rest}'
    if order:
        yield f'{kind}[{shape}]{rest}'
    if len(sizes) > 1:
        yield f'{order}{kind}[{sizes[0]}]'
    for i, size in enumerate(sizes):
        for less in {2, size // 2, size - 1 if size < 5 else 2}:
            if 0 < less < size:
                yield f"{order}{kind}[{','.join(map(str, sizes[:i] + [less] + sizes[i + 1:]))}]{rest}"


def inputs(plan):
    if plan['detector'] == HIDDEN:
        return
    for i, each in enumerate(plan['inputs']):
        for recipe in simpler_recipes(each['recipe']):
            smaller = says(copy.deepcopy(plan), f"{each['name']}={recipe} in place of {each['recipe']}")
            smaller['inputs'][i]['recipe'] = recipe
            yield smaller


def edits(node):
    """Yields what may stand for an expression, and changes of its lists: (replacement, None) or (None, change)."""
    if isinstance(node, ast.Call):
        for i in range(len(node.keywords)):
            yield None, lambda n, i=i: n.keywords.pop(i)
        for i in reversed(range(len(node.args))):
            yield None, lambda n, i=i: n.args.pop(i)
        for i in range(len(node.args)):
            yield (lambda n, i=i: n.args[i]), None
        if isinstance(node.func, ast.Attribute):
            yield (lambda n: n.func.value), None
    elif isinstance(node, (ast.Subscript, ast.Starred)):
        yield (lambda n: n.value), None
    elif isinstance(node, ast.BinOp):
        yield (lambda n: n.left), None
        yield (lambda n: n.right), None
    elif isinstance(node, ast.UnaryOp):
        yield (lambda n: n.operand), None
    elif isinstance(node, ast.IfExp):
        yield (lambda n: n.body), None
        yield (lambda n: n.orelse), None
    elif isinstance(node, (ast.Tuple, ast.List, ast.Set)) and isinstance(getattr(node, 'ctx', ast.Load()), ast.Load):
        for i in range(len(node.elts)):
            if len(node.elts) > 1:
                yield None, lambda n, i=i: n.elts.pop(i)
                yield (lambda n, i=i: n.elts[i]), None
    elif isinstance(node, ast.Constant) and type(node.value) is int and node.value > 2:
        for value in {2, node.value // 2}:
            yield (lambda n, value=value: ast.Constant(value)), None
    elif isinstance(node, (ast.For, ast.With, ast.If)):
        yield None, lambda n: n.body.__setitem__(slice(None), n.body[:1]) if len(n.body) > 1 else None


class Replace(ast.NodeTransformer):
    """Changes the node with this number in the order of ast.walk."""

    def __init__(self, node, replacement):
        self.node, self.replacement = node, replacement

    def visit(self, node):
        return self.replacement if node is self.node else self.generic_visit(node)


def smaller_texts(text):
    """Yields the text with one change inside its statements."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for number, node in enumerate(ast.walk(tree)):
        for replace, change in edits(node):
            other = copy.deepcopy(tree)
            target = next(each for i, each in enumerate(ast.walk(other)) if i == number)
            if change:
                change(target)
            else:
                other = Replace(target, replace(target)).visit(other)
            try:
                yield ast.unparse(ast.fix_missing_locations(other))
            except (ValueError, AttributeError):
                continue


def inlined(steps):
    """Yields the steps with a value, which one later step reads once, in place of its name; and where both were."""
    for i, step in enumerate(steps):
        body = ast.parse(step).body
        if len(body) != 1 or not isinstance(body[0], ast.Assign) or not isinstance(body[0].targets[0], ast.Name):
            continue
        name, value = body[0].targets[0].id, body[0].value
        readers = [k for k, other in enumerate(steps) if k != i and name in names_of(other)[1]]
        if len(readers) == 1 and readers[0] > i:
            tree = ast.parse(steps[readers[0]])
            used = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name]
            if len(used) == 1:
                text = ast.unparse(Replace(used[0], value).visit(tree))
                yield ({i: text, readers[0]: text},
                       [text if k == readers[0] else other for k, other in enumerate(steps) if k != i])


def with_constants(plan):
    """Yields the plan with a number or text of the setup in place of its name."""
    units = parse(plan['setup'])
    for i, text in enumerate(units):
        body = ast.parse(text).body
        if len(body) != 1 or not isinstance(body[0], ast.Assign) or not isinstance(body[0].value, ast.Constant):
            continue
        names = {target.id for target in body[0].targets if isinstance(target, ast.Name)}
        smaller = says(plan, f'{text} in place', setup='\n'.join(units[:i] + units[i + 1:]))
        for key in LISTS:
            smaller[key] = [put_constant(step, names, body[0].value) for step in plan[key]]
        yield smaller | {'statement': put_constant(plan['statement'], names, body[0].value)}


def put_constant(text, names, value):
    tree = ast.parse(text)
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]
    for node in found:
        tree = Replace(node, value).visit(tree)
    return ast.unparse(tree) if found else text


def replaced(plan, text, less):
    """What follows where a text stands for another one: the statement that fails is then another text."""
    return {'what': f'{less} in place of {text}'} | ({'statement': less} if text == plan['statement'] else {})


def does_something(text, plan):
    """Returns false for a name or a constant alone: the plan without the statement is the same, unless names are missing."""
    return plan['detector'] == 'exception' or any(
        not isinstance(node, ast.Expr) or not isinstance(node.value, (ast.Name, ast.Constant)) for node in ast.parse(text).body)


def expressions(plan):
    for key in LISTS:
        for i, text in enumerate(plan[key]):
            for less in smaller_texts(text):
                if less and less != text and does_something(less, plan):
                    yield plan | replaced(plan, text, less) | {key: plan[key][:i] + [less] + plan[key][i + 1:]}
    try:
        for texts, steps in inlined(plan['steps']):
            old = next((plan['steps'][i] for i in texts if plan['steps'][i] == plan['statement']), None)
            less = next(iter(texts.values()))
            yield says(plan, f'{less} in one statement', steps=steps, statement=less if old else plan['statement'])
        yield from with_constants(plan)
    except SyntaxError:
        pass
    for key in CODE:
        units = parse(plan[key] or '')
        for i, text in enumerate(units):
            for less in smaller_texts(text):
                if less and less != text:
                    yield says(plan, f'{less} in place of {text}', **{key: '\n'.join(units[:i] + [less] + units[i + 1:])})


def settings(plan):
    if plan['perturb']:
        yield says(plan, f"without perturbation {plan['perturb']}", perturb='')
        for name in plan['perturb'].split(','):
            yield says(plan, f'perturbation {name} only', perturb=name)
    if plan['detect'] != plan['detector']:
        yield says(plan, f"detector {plan['detector']} only", detect=plan['detector'])
    for share in RUNGS[:RUNGS.index(plan['share'])] if plan['detector'] != HIDDEN else ():
        yield says(plan, f"sharing level {share} in place of {plan['share']}", share=share)
    for n in {1, plan.get('iterations', 0) // 10}:
        if 0 < n < plan.get('iterations', 0):
            yield says(plan, f"{n} iterations in place of {plan['iterations']}", iterations=n)


AXES = {each.__name__: each for each in (jump, statements, threads, inputs, expressions, settings)}


def main():
    plan = json.loads(sys.argv[2])
    found = []
    for axis in sys.argv[1].split(','):
        for candidate in AXES[axis](plan):
            if candidate:
                candidate = {'what': f'{axis}', **candidate, 'axis': axis}
                if axis != 'statements':
                    candidate.pop('chances', None)
                if not any(core(candidate) == core(other) for other in [plan, *found]):
                    found.append(candidate)
            if len(found) == MOST:
                break
    print('ftstress\tcandidates\t' + json.dumps(found))


def core(plan):
    return {key: value for key, value in plan.items() if key not in ('what', 'axis', 'chances')}


main()
