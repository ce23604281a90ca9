"""Which tool sees which planted bug: each tests/planted/heap_*.c as a program, uninstrumented as extension wheels are."""
import collections
import glob
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

COLUMNS = ('glibc', 'check', 'scudo', 'gwp', 'asan', 'valgrind', 'guard')
RUNS = {'gwp': 5, 'guard': 5}  # others: 2; these two decide by chance which blocks get pages of their own
TIMEOUT = 60
READS = {'uaf_read'}
LEGEND = '''W: at the access itself   F: at a free or another heap call   S: by a background scan   C: by a scan when it crashed
X: it died without a word   ?: the tool speaks, not known of what   -: never seen   T: no end   n/m: in n of m runs'''

# What a tool says and how it met the bug, the first that fits. A crash without these words is an X.
SAYS = {
    'glibc': [(r'^(double free|corrupted|(free|malloc|calloc|realloc)\(\)|munmap_chunk|malloc_|tcache|Fatal glibc)', 'F')],
    'gwp': [(r'^(Double Free|Invalid \(Wild\) Free) ', 'F'), (r'GWP-ASan detected', 'W'), (r'Scudo ERROR', 'F')],
    'scudo': [(r'Scudo ERROR', 'F')],
    'asan': [(r'AddressSanitizer: (attempting|alloc-dealloc-mismatch|bad-free|new-delete)', 'F'),
             (r'AddressSanitizer: (heap-|memcpy-|negative-size)', 'W'), (r'AddressSanitizer: (SEGV|BUS)', 'X'),
             (r'AddressSanitizer: ', '?')],
    'valgrind': [(r'Invalid (write|read) of', 'W'), (r'(Invalid|Mismatched) free\(\)', 'F')],
    'guard': [(r'^ftstress-guard: .*seen at: trap', 'W'), (r'^ftstress-guard: .*seen at: scan', 'S'),
              (r'^ftstress-guard: .*seen at: crash', 'C'), (r'^ftstress-guard: .*seen at: (free|reuse|heap-call)', 'F'),
              (r'^ftstress-guard: (?!rounds=)', '?')],
}
SAYS['check'] = SAYS['glibc']


def grade(tool, done):
    for pattern, letter in SAYS[tool.partition(':')[0]]:
        if re.search(pattern, done.stderr, re.M):
            return letter
    return 'X' if done.returncode < 0 and -done.returncode != signal.SIGKILL else '-'


def run_graded(arm, program):
    try:
        return grade(arm.name, arm.run([program], TIMEOUT))
    except subprocess.TimeoutExpired:
        return 'T'


def cell(letters):
    """`F`, `W 3/5`, `W3 F2/5`: the ways of seeing, the more frequent first."""
    seen = collections.Counter(l for l in letters if l != '-').most_common()
    if not seen:
        return '-'
    if len(seen) == 1:
        letter, times = seen[0]
        return letter if times == len(letters) else f'{letter} {times}/{len(letters)}'
    return ' '.join(f'{letter}{times}' for letter, times in seen) + f'/{len(letters)}'


def column(arm):
    """`ours, pages=0` is `pages=0` beside `ours`; what others are tuned with matters little here."""
    return arm.label.removeprefix('ours, ') if arm.name.startswith('guard') else arm.label.partition(',')[0]


def columns_of(arms):
    """In the order of COLUMNS, then ours without pages of their own for some blocks, and as the command line has it."""
    arms = {a.name: a for a in arms if a.name != 'guard:checker=0'}
    if 'guard' in arms:
        arms['guard:sample=0'] = arms['guard']._replace(name='guard:sample=0', label='ours, sample=0',
                                                        variables={'FTSTRESS_GUARD': 'sample=0'})
    return [arms[c] for c in COLUMNS if c in arms] + [a for name, a in arms.items() if name.startswith('guard:')]


def compile_one(source, twin, folder):
    """The program and None, or None and what the compiler said."""
    compiler = 'c++' if source.endswith('.cpp') else 'cc'
    name = os.path.splitext(os.path.basename(source))[0].removeprefix('heap_')
    program = os.path.join(folder, name + ('_twin' if twin else ''))
    defines = ['-D_GNU_SOURCE', '-DPLANTED_MAIN'] + ['-DPLANTED_TWIN'] * twin
    done = subprocess.run([compiler, '-O2', '-g', '-pthread', *defines, source, '-o', program],
                          check=False, capture_output=True, text=True)
    return (program, None) if done.returncode == 0 else (None, f'{source} does not compile: {done.stderr[:300]}')


def needs_python(source):
    with open(source) as file:
        text = file.read()
    return '#define PLANTED_NUMPY' in text or '#define PLANTED_PYTHON' in text


def section(arms, build, progress, wrong):
    """Prints the table. Returns the bugs (not reads) that another tool tells of and ours never, or None without ours."""
    arms = columns_of(arms)
    folder = os.path.join(build, 'planted')
    os.makedirs(folder, exist_ok=True)
    sources = sorted(glob.glob(os.path.join('tests', 'planted', 'heap_*.c*')))
    alone = [s for s in sources if not needs_python(s)]
    others = [os.path.basename(s) for s in sources if s not in alone]
    print(f'\nPlanted bugs, {len(alone)} programs without Python; not among them, with Python: {", ".join(others)}\n{LEGEND}')
    print(f'{"":16}' + ''.join(f'{column(a):>18}' for a in arms), flush=True)
    empty, by_page = [], []
    with ThreadPoolExecutor(2) as pool:
        for source in alone:
            name = os.path.splitext(os.path.basename(source))[0].removeprefix('heap_')
            progress(f'planted bug {name}')
            (bug, error), (twin, twin_error) = pool.map(lambda t, s=source: compile_one(s, t, folder), (False, True))
            if error or twin_error:
                wrong.append(error or twin_error)
                continue
            bugs = {a.name: [pool.submit(run_graded, a, bug) for _ in range(RUNS.get(a.name, 2))] for a in arms}
            twins = {a.name: pool.submit(run_graded, a, twin) for a in arms}
            letters = {tool: [r.result() for r in results] for tool, results in bugs.items()}
            print(f'{name:16}' + ''.join(f'{cell(letters[a.name]):>18}' for a in arms), flush=True)
            wrong += [f'{a.label}: {twins[a.name].result()} on the twin of {name}, which has no bug' for a in arms
                      if twins[a.name].result() != '-']
            told = {tool for tool, seen in letters.items() if set(seen) & set('WFSC?')}
            if 'guard' in told and 'guard:sample=0' not in told:
                by_page.append(name)
            if name not in READS and 'guard' not in told and told - {'guard:sample=0'}:
                empty.append(name)
    if by_page:
        print('Ours sees these only where the block has pages of its own. The first block of each call site has them, as all '
              f'buggy blocks are here; of the later ones few have: {", ".join(by_page)}')
    return empty if 'guard' in {a.name for a in arms} else None
