"""Shows which tool finds which planted bug. Each tests/planted/heap_*.c is a program, not instrumented, as wheels are."""
import collections
import glob
import os
import re
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor

COLUMNS = ('glibc', 'check', 'scudo', 'gwp', 'asan', 'valgrind', 'guard')
RUNS = {'gwp': 5, 'guard': 5}  # others: 2; these two choose at random which blocks get pages of their own
TIMEOUT = 60
READS = {'uaf_read'}
LEGEND = '''W: at the access itself   F: at a free or another heap call   S: by a background scan   C: by a scan when it crashed
X: it crashed without a report   ?: an unknown report   -: never seen   T: timeout   n/m: in n of m runs'''

# The report of a tool, and how it found the bug; the first match counts. A crash without a match is an X.
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
    """Returns `F`, `W 3/5` or `W3 F2/5`: the letters, the most frequent first."""
    seen = collections.Counter(l for l in letters if l != '-').most_common()
    if not seen:
        return '-'
    if len(seen) == 1:
        letter, times = seen[0]
        return letter if times == len(letters) else f'{letter} {times}/{len(letters)}'
    return ' '.join(f'{letter}{times}' for letter, times in seen) + f'/{len(letters)}'


def column(arm):
    """Returns a short title: `pages=0` for `ours, pages=0`, and other tools without their settings."""
    return arm.label.removeprefix('ours, ') if arm.name.startswith('guard') else arm.label.partition(',')[0]


def columns_of(arms):
    """Returns the tools in the order of COLUMNS, then the guard with other settings: without pages, and of the command line."""
    arms = {a.name: a for a in arms if a.name != 'guard:checker=0'}
    if 'guard' in arms:
        arms['guard:sample=0'] = arms['guard']._replace(name='guard:sample=0', label='ours, sample=0',
                                                        variables={'FTSTRESS_GUARD': 'sample=0'})
    return [arms[c] for c in COLUMNS if c in arms] + [a for name, a in arms.items() if name.startswith('guard:')]


def compile_one(source, twin, folder):
    """Returns the program and None, or None and the error of the compiler."""
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
    """Prints the table. Returns the bugs (not reads) that only other tools find, or None if the guard did not run."""
    arms = columns_of(arms)
    folder = os.path.join(build, 'planted')
    os.makedirs(folder, exist_ok=True)
    sources = sorted(glob.glob(os.path.join('tests', 'planted', 'heap_*.c*')))
    alone = [s for s in sources if not needs_python(s)]
    others = [os.path.basename(s) for s in sources if s not in alone]
    print(f'\nPlanted bugs, {len(alone)} programs without Python; left out, because they need Python: {", ".join(others)}\n{LEGEND}')
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
            found = {tool for tool, seen in letters.items() if set(seen) & set('WFSC?')}
            if 'guard' in found and 'guard:sample=0' not in found:
                by_page.append(name)
            if name not in READS and 'guard' not in found and found - {'guard:sample=0'}:
                empty.append(name)
    if by_page:
        print('The guard finds these only if the block has pages of its own. Here each buggy block is the first of its allocation '
              f'site, which always has them; of later blocks few have: {", ".join(by_page)}')
    return empty if 'guard' in {a.name for a in arms} else None
