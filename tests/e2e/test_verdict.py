"""Verdicts: the sharing level, the blame, the distribution, bugs behind other bugs, and statements that overlapped."""
import json
import shutil
import tempfile
import unittest
from pathlib import Path

from harness import BESIDE, BUILD, EndToEnd, each, run

LIGHT = ('--detect', 'crash,hang,log,exception,invariant')
VERIFY = ('--verify', '40s', *LIGHT)


RANDOM = BESIDE + """
def check(i):
    if beside() and i > 50:
        raise (ValueError, OSError)[i % 2](os.urandom(4).hex())
    return 1
def f(number, i):
    global thread
    thread = number
    return check(i)"""


class Exceptions(EndToEnd):
    def test_random_messages(self):
        """exceptions with random messages are one finding for each type and place, and have a traceback"""
        done = self.expect(run('-s', RANDOM, '--time', 2, '--detect', 'exception', '--verify', 0, 'f(thread_index, iteration_index)'), 1)
        found = done.findings(kind='exception')
        self.check(sorted(finding['message'].split(':')[0] for finding in found) == ['OSError', 'ValueError'], done, 'other findings')
        for finding in found:
            names = [frame['function'] for frame in finding['stacks'][0]['python']]
            self.check(names == ['check', 'f'] and finding['blame'] != 'interpreter', done, 'no traceback, or another blame')


    def test_another_run_keeps_its_evidence(self):
        """another finding with the id of one that an earlier run kept gets another id, the same in each run"""
        with tempfile.TemporaryDirectory() as out:
            def find():
                return self.expect(run('-s', BESIDE, '-s', 'def f(i): return 1 // (not beside())', '--time', 2, '--detect',
                                       'exception', '--verify', 0, '--out', out, 'f(thread_index)'), 1).findings()[0]['id']

            first = find()
            kept = Path(out) / first / 'finding.json'
            kept.write_text(json.dumps({**json.loads(kept.read_text()), 'signature': 'another'}))
            before, ids = kept.read_text(), [find(), find()]
            self.assertEqual(kept.read_text(), before)
            self.assertTrue(ids[0] == ids[1] != first, ids)


class Ladder(EndToEnd):
    ARRAY = ('-i', 'x=f8[20]', '-s', 'import rung_array as m', '--time', 2)
    LIST = ('-s', 'import rung_list as m; L = [1] * 9', '--writer', 'L.pop(); L.append(1)', '--time', 2)

    def test_array_is_only_read(self):
        """no thread writes at the sharing level readonly"""
        self.expect(run(*self.ARRAY, 'm.bug(x)'), 0)

    def test_array(self):
        """the lowest sharing level is named; a write to an array that others read is the user's error"""
        done = self.expect(run(*self.ARRAY, *VERIFY, '--share', 'all', 'm.bug(x)', timeout=120), 0)
        found = done.findings(kind='crash')
        self.check(found and {finding['blame'] for finding in found} == {'user'}, done, 'not found, or not the user is blamed')
        self.check({finding['rung'] for finding in found} <= {'one-writer', 'all'}, done, 'at another rung')
        ladder = done.json['verification']['ladder']
        self.check(ladder['readonly'] is None or ladder['readonly']['hit'] == 0, done, 'it fails without a writer')

    def test_strict(self):
        """with --strict a user error is a finding"""
        self.expect(run(*self.ARRAY, *LIGHT, '--share', 'one-writer', '--strict', 'm.bug(x)'), 1)

    def test_array_twin(self):
        """a writer alone is no finding"""
        self.expect(run(*self.ARRAY, '--share', 'all', 'm.twin(x)'), 0)

    def test_read_only_array(self):
        """an input that its recipe makes read-only is not written to"""
        self.expect(run('-i', 'x=f8[20]@ro', *self.ARRAY[2:], '--share', 'all', 'm.bug(x)'), 0)

    def test_private_array(self):
        """an input declared private is neither shared nor written to, at any sharing level"""
        self.expect(run(*self.ARRAY, '--share', 'all', '--private', 'x', 'm.bug(x)'), 0)

    def test_list(self):
        """broken memory of a container is the target's fault, at the sharing level with a writer"""
        done = self.expect(run(*self.LIST, *LIGHT, '--share', 'one-writer', 'm.bug(L)'), 1)
        found = done.findings(kind='crash')
        self.check(found and {(finding['blame'], finding['rung']) for finding in found} == {('target', 'one-writer')}, done,
                   'not found, or another verdict')

    @each([('twin', 'one-writer', 'm.twin(L)'), ('readonly', 'readonly', 'm.bug(L)')])
    def test_list_clean(self, _, rung, statement):
        """a writer alone is no finding, and no thread writes at readonly"""
        self.expect(run(*self.LIST, '--share', rung, statement), 0)

    def test_writer_that_raises(self):
        """a writer that raises is reported, and the run is not clean"""
        done = self.expect(run(*self.LIST[:2], '--writer', 'L.no()', '--share', 'all', '--time', 2, 'm.twin(L)'), 3)
        self.assertIn('the writer raises AttributeError', done.last_line)


class PythonCode(EndToEnd):
    """Python code that stops or ends the process, or raises, is no fault of the interpreter."""

    @each([('sleep', 'hang', 'target', 'import time', 'time.sleep(1000) if iteration_index == 200 else None'),
           ('exit', 'crash', 'target', 'import os', 'os._exit(3) if iteration_index == 200 else None'),
           ('kill', 'crash', 'unknown', 'import os', 'os.kill(os.getpid(), 9) if iteration_index == 200 else None'),
           ('raise', 'exception', 'target', 'import sys', '1/0 if len(sys._current_frames()) > 1 else None')])
    def test_blame(self, _, kind, blame, setup, statement):
        """the statement is blamed, or nothing is"""
        done = self.expect(run('-s', setup, '--time', 2, '--timeout', '1s', '--verify', '6s', statement, timeout=90), 1)
        found = done.findings(kind=kind)
        self.check(found and {finding['blame'] for finding in found} == {blame}, done, 'not found, or another blame')

    def test_ids(self):
        """two statements that end alike have two ids"""
        ids = [{finding['id'] for finding in run('-s', 'import os', '--time', 2, f'os._exit({status})').findings()}
               for status in (3, 4)]
        self.assertTrue(ids[0] and ids[1])
        self.assertFalse(ids[0] & ids[1])


class Behind(EndToEnd):
    def test_crash(self):
        """a bug that ends every child does not hide the next: its statement is left out, and both are verified apart"""
        done = self.expect(run('-s', 'import crash_null_write as a, exception_race as b', '-i', 'x=f8[20]', '--time', 12,
                               *VERIFY, 'a.bug(x, 3)', 'b.twin()', 'b.bug()', timeout=150,
                               until=lambda done: 'leaves out' in str(done.json['notes'])), 1)
        crash, = done.findings(kind='crash')
        self.assertEqual(crash['function'], 'bug', done)
        behind = done.findings(kind='exception')
        self.check(len(behind) == 1, done, 'what lies behind was not found')
        self.check(any(crash['id'] in note and 'leaves out' in note for note in done.json['notes']), done, 'it is not said')
        verified = {one['finding']: one for one in done.json['verifications']}
        self.check(set(verified) == {crash['id'], behind[0]['id']}, done, 'they are not verified apart')

    def test_leave_out(self):
        """a statement that is left out runs once, and its result is used afterwards"""
        self.expect(run('-s', 'import exception_race as m', '--time', 2, '--leave-out', 'y = m.bug()', 'y = m.bug()',
                        'assert y is None'), 0)


class Owner(EndToEnd):
    """A module belongs to the distribution that lists it, whatever its name is."""

    def owned(self, folder, record, **files):
        info = folder / 'other_name-4.5.dist-info'
        info.mkdir()
        (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: Other-Name\nVersion: 4.5\n\n')
        (info / 'RECORD').write_text(record)
        for name, text in files.items():
            (info / f'{name}.json').write_text(text)

    def package(self, path):
        done = self.expect(run('-s', 'import crash_abort as m', '--time', 2, '--detect', 'crash', 'm.bug()',
                               env={'PYTHONPATH': str(path)}), 1)
        return {finding['package'] for finding in done.findings(function='bug')}, done

    def test_record(self):
        """a file in the RECORD of a distribution"""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            so, = (BUILD / 'planted').glob('crash_abort.*.so')
            shutil.copy(so, folder)
            self.owned(folder, f'{so.name},,\n')
            packages, done = self.package(folder)
            self.assertEqual(packages, {'Other-Name 4.5'}, done)

    def test_editable(self):
        """a source folder that an editable installation serves"""
        with tempfile.TemporaryDirectory() as name:
            site, source = Path(name, 'site'), Path(name, 'source', 'build')
            site.mkdir()
            source.mkdir(parents=True)
            so, = (BUILD / 'planted').glob('crash_abort.*.so')
            shutil.copy(so, source)
            url = f'{{"url": "{source.parent.as_uri()}", "dir_info": {{"editable": true}}}}'
            self.owned(site, '__editable__other.py,,\n', direct_url=url)
            packages, done = self.package(f'{site}:{source}')
            self.assertEqual(packages, {'Other-Name 4.5'}, done)

    def test_nothing_is_imported(self):
        """importlib.metadata, a long import, stays out of the target's interpreter"""
        self.expect(run('-s', 'import sys, counter', '--time', 1, '--detect', 'crash', "1 / ('importlib.metadata' not in sys.modules)"), 0)

    def test_plain(self):
        """an extension module on PYTHONPATH has its own name as owner"""
        packages, done = self.package(BUILD / 'planted')
        self.assertEqual(packages, {'crash_abort'}, done)


class Pairs(EndToEnd):
    def test_pairs(self):
        """the statements that overlapped, in JSON and with -v"""
        done = self.expect(run('-s', 'import counter as m', '--time', 2, '-v', '--role', 'm.add(1)', '--role', 'm.add(2)'), 0)
        pairs = {(pair['a'], pair['b']): pair for pair in done.json['pairs']}
        self.assertEqual(set(pairs), {('m.add(1)', 'm.add(1)'), ('m.add(1)', 'm.add(2)'), ('m.add(2)', 'm.add(2)')}, done)
        self.assertGreater(pairs['m.add(1)', 'm.add(2)']['together'], 0, done)
        self.assertIn('in flight together: m.add(1) | m.add(2): ', done.out)


if __name__ == '__main__':
    unittest.main()
