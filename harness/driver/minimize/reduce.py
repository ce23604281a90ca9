"""Prints smaller variants of a plan as JSON, the most promising first. Arguments: the axis, and the plan as JSON."""
import ast
import builtins
import copy
import json
import re
import sys

CODE = 'setup', 'thread_setup', 'writer'
LISTS = 'steps', 'roles'
GIVEN = set(dir(builtins)) | {'thread_index', 'iteration_index', 'case', '__name__'}
MOST = 400


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


def statements(plan):
    """First each statement alone with what it needs, then all but a part."""
    units = units_of(plan)
    runs = [i for i, (key, _, _) in enumerate(units) if key in LISTS]
    guilty = parse(plan['statement'])
    alone = [needed(units, i) for i in sorted(runs, key=lambda i: (parse(units[i][2]) != guilty, i))]
    size = len(units) // 2
    parts = []
    while size:
        for first in range(0, len(units), size):
            parts.append(closed(units, [i for i in range(len(units)) if not first <= i < first + size]))
        size //= 2
    for kept in (alone if len(runs) > 1 else []) + parts:
        if len(kept) < len(units):
            yield build(plan, [units[i] for i in kept])


def threads(plan):
    for n in 2, 3, 4, 6, 8, 12, 16, 32:
        if n < plan['threads']:
            yield plan | {'threads': n}


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
    if order:
        yield f'{kind}[{shape}]{rest}'
    if len(sizes) > 1:
        yield f'{order}{kind}[{sizes[0]}]'
    for i, size in enumerate(sizes):
        for less in {2, size // 2, size - 1 if size < 5 else 2}:
            if 0 < less < size:
                yield f"{order}{kind}[{','.join(map(str, sizes[:i] + [less] + sizes[i + 1:]))}]{rest}"


def inputs(plan):
    for i, each in enumerate(plan['inputs']):
        for recipe in simpler_recipes(each['recipe']):
            smaller = copy.deepcopy(plan)
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
    """Yields the steps with a value, which one later step reads once, in place of its name."""
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
                yield [text if k == readers[0] else other for k, other in enumerate(steps) if k != i]


def with_constants(plan):
    """Yields the plan with a number or text of the setup in place of its name."""
    parts = parse(plan['setup'])
    for i, text in enumerate(parts):
        body = ast.parse(text).body
        if len(body) != 1 or not isinstance(body[0], ast.Assign) or not isinstance(body[0].value, ast.Constant):
            continue
        names = {target.id for target in body[0].targets if isinstance(target, ast.Name)}
        smaller = plan | {'setup': '\n'.join(parts[:i] + parts[i + 1:])}
        for key in LISTS:
            smaller[key] = [put_constant(step, names, body[0].value) for step in plan[key]]
        yield smaller


def put_constant(text, names, value):
    tree = ast.parse(text)
    for node in [node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names]:
        tree = Replace(node, value).visit(tree)
    return ast.unparse(tree)


def expressions(plan):
    for key in LISTS:
        for i, text in enumerate(plan[key]):
            for less in smaller_texts(text):
                if less and less != text:
                    yield plan | {key: plan[key][:i] + [less] + plan[key][i + 1:]}
    try:
        yield from ({**plan, 'steps': steps} for steps in inlined(plan['steps']))
        yield from with_constants(plan)
    except SyntaxError:
        pass
    for key in CODE:
        parts = parse(plan[key] or '')
        for i, text in enumerate(parts):
            for less in smaller_texts(text):
                if less and less != text:
                    yield plan | {key: '\n'.join(parts[:i] + [less] + parts[i + 1:])}


def settings(plan):
    if plan['perturb']:
        yield plan | {'perturb': ''}
    if plan['detect'] != plan['detector']:
        yield plan | {'detect': plan['detector']}


AXES = {each.__name__: each for each in (statements, threads, inputs, expressions, settings)}


def main():
    plan = json.loads(sys.argv[2])
    found = []
    for candidate in AXES[sys.argv[1]](plan):
        if candidate and candidate != plan and candidate not in found:
            found.append(candidate)
        if len(found) == MOST:
            break
    print('ftstress\tcandidates\t' + json.dumps(found))


main()
