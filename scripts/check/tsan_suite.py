"""Runs the tests with instrumented programs, and counts the races that ThreadSanitizer reports by their owner.

tsan_suite.py BUILD [NAME]...: for scripts/check/tsan_suite.sh. Exit status 1 if a test fails, or a race is ours.
"""
import collections
import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
PATIENCE = '2'  # the factor by which the programs are slower, roughly
SYMBOLIZER = shutil.which('llvm-symbolizer-19')
OPTIONS = ('halt_on_error=0:exitcode=0:atexit_sleep_ms=0:history_size=7:detect_deadlocks=0:allocator_may_return_null=1:'
           'symbolize=1:stack_trace_format="    #%n %f %S (%m+%o)":log_path={log}'  # the child's own are for the driver
           + (f':external_symbolizer_path={SYMBOLIZER}' if SYMBOLIZER else ''))
JOBS = 3  # the tests wait much of their time
OWNERS = ('ours', 'planted', 'CPython', 'NumPy', 'other')
# The tests that tests/CMakeLists.txt leaves out of such builds.
UNBUILT = ("unit.arena: needs glibc's malloc, which sanitizer builds do not have",
           'unit.symbol: counts and stops the threads of a process, and the runtime has one of its own')
ACCESS = re.compile(r'^  (?:previous )?(?:atomic )?(?:read|write) of size ', re.I)
FRAME = re.compile(r'^    #\d+ (.*)')
RESULT = re.compile(r"""\.\.\. (ok|FAIL|ERROR|skipped ['"](.*)['"])$""", re.M)


def owner_of(frame):
    """Returns the owner of a frame, or None for the runtime and the C library, which act for their caller."""
    # The writer acts as the user at the sharing levels one-writer and all: its races with readers are intended.
    for text, owner in ((f'{TOP}/tests/planted/', 'planted'), (f'{TOP}/harness/child/run/writer.c', 'planted'),
                        (f'{TOP}/tests/', 'ours'), (f'{TOP}/harness/', 'ours'),
                        (f'{TOP}/scenarios/', 'ours'), ('/layers/', 'ours'), ('/src/python-3.13/', 'CPython'), ('/numpy/', 'NumPy')):
        if text in frame:
            return owner
    return None if ' <null> ' in frame else 'other'


def sides_of(report):
    """Returns the owner and the function of each of the two accesses, from the innermost frame that has an owner."""
    sides, inside = [], False
    for line in report.splitlines():
        if ACCESS.match(line):
            sides.append(None)
        inside = bool(ACCESS.match(line)) or (inside and bool(FRAME.match(line)))
        if inside and sides[-1] is None and FRAME.match(line) and owner_of(line):
            sides[-1] = (owner_of(line), FRAME.match(line)[1].split(' (')[0])
    return [side or ('other', '?') for side in sides]


def races_of(folder):
    """Returns the number of reports of each owner, and of each place."""
    count, places = collections.Counter(), collections.Counter()
    for log in folder.glob('log.*'):
        for report in log.read_text(errors='replace').split('WARNING: ThreadSanitizer: ')[1:]:
            sides = sides_of(report)
            owners = [owner for owner, _ in sides] or ['ours']  # no race, such as misuse of a mutex: read it
            if report.startswith('heap-use-after-free'):
                owners = owners[:1]  # the owner of the access, not of the block: a read past an end meets any neighbour
            owner = min(owners, key=OWNERS.index)
            count[owner] += 1
            places[(owner, report.splitlines()[0], *sorted(place for _, place in sides))] += 1
    return count, places


def run(command, folder, build):
    """Returns the output, whatever the exit status is."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    environment = os.environ | {'FTSTRESS_BUILD': str(build), 'FTSTRESS_PATIENCE': PATIENCE,
                                'TSAN_OPTIONS': OPTIONS.format(log=folder / 'log')}
    environment.pop('DEBUGINFOD_URLS', None)
    done = subprocess.run(command, capture_output=True, text=True, env=environment, errors='replace')
    (folder / 'output.txt').write_text(done.stdout + done.stderr)
    return done.stdout + done.stderr


def unit_results(text):
    results = collections.Counter({'ok': len(re.findall(r' Passed ', text)), 'failed': len(re.findall(r'\*\*\*', text))})
    return results + collections.Counter(f'skipped: {reason}' for reason in UNBUILT)


def e2e_results(text):
    results = collections.Counter()
    for outcome, reason in RESULT.findall(text):
        results['ok' if outcome == 'ok' else f'skipped: {reason}' if reason else 'failed'] += 1
    if not re.search(r'^Ran \d+ tests', text, re.M):
        results['failed'] += 1
    return results


def print_row(name, results, races, seconds=''):
    skipped = sum(n for key, n in results.items() if key.startswith('skipped'))
    cells = [name, results['ok'], results['failed'], skipped, *(races[owner] for owner in OWNERS), seconds]
    print('{:<10} {:>6} {:>6} {:>7}  {:>5} {:>7} {:>7} {:>5} {:>5} {:>6}'.format(*cells), flush=True)


def main(build, names):
    logs = build / 'suite'
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell inherits that it is ignored
    rows = [('unit', ['ctest', '--test-dir', str(build), '-R', '^unit'], unit_results)] if not names else []
    # The longest first, so that the last two end at about the same time.
    for path in sorted((TOP / 'tests' / 'e2e').glob('test_*.py'), key=lambda path: -path.stat().st_size):
        if not names or path.stem.removeprefix('test_') in names:
            rows.append((path.stem.removeprefix('test_'), [sys.executable, '-B', str(path), '-v'], e2e_results))
    total, all_races, all_places = collections.Counter(), collections.Counter(), collections.Counter()
    print(f'{"":<10} {"passed":>6} {"failed":>6} {"skipped":>7}  ' + ' '.join(
        f'{owner:>{width}}' for owner, width in zip(OWNERS, (5, 7, 7, 5, 5))) + '      s   (reports by owner)')

    def look(row):
        name, command, results_of = row
        began = time.monotonic()
        results = results_of(run(command, logs / name, build))
        return name, results, *races_of(logs / name), time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        for done in concurrent.futures.as_completed([pool.submit(look, row) for row in rows]):
            name, results, races, places, seconds = done.result()
            total, all_races, all_places = total + results, all_races + races, all_places + places
            print_row(name, results, races, f'{seconds:.0f}')
    print_row('all', total, all_races)
    for key, n in sorted(total.items()):
        if key.startswith('skipped'):
            print(f'{n:>4} {key}')
    for (owner, kind, *sides), n in sorted(all_places.items()):
        if owner not in ('planted', 'NumPy'):
            print(f'{n:>4} {owner}: {kind}: {" with ".join(sides)}')
    print(f'logs and output are under {logs}')
    return 1 if total['failed'] or all_races['ours'] else 0


if __name__ == '__main__':
    sys.exit(main(Path(sys.argv[1]).resolve(), sys.argv[2:]))
