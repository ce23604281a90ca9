"""Findings have a life: `list findings` adds up what runs saw, and `--known` keeps known findings from failing a run."""
import json
import subprocess
import tempfile
from pathlib import Path

from harness import BUILD, FTSTRESS, EndToEnd, each, run

CRASH = ('-s', 'import crash_null_write as m', '--detect', 'crash,exception', '--time', '2', 'm.bug(1, 5)')
ENVIRONMENT = {'PYTHONPATH': str(BUILD / 'planted'), 'PATH': '/usr/bin:/bin'}
KNOWN = """findings:
- {}: "{}"
  link: https://example.org/1
  reason: it writes to NULL
- id: F0000000
  link: https://example.org/2
  reason: it is repaired
"""


def known_file(folder, key, value):
    path = Path(folder, 'known.yaml')
    path.write_text(KNOWN.format(key, value))
    return path


class Life(EndToEnd):
    def list_findings(self, out):
        rows = subprocess.run([FTSTRESS, 'list', 'findings', '--out', out], capture_output=True, text=True, check=True)
        document = subprocess.run([FTSTRESS, 'list', 'findings', '--out', out, '--json', '-'], capture_output=True, text=True,
                                  check=True)
        return rows.stdout.splitlines(), json.loads(document.stdout)['findings']

    def test_again(self):
        """a second run that sees a finding again keeps its history"""
        with tempfile.TemporaryDirectory() as out:
            first = self.expect(run('--out', out, '--verify', '5', *CRASH), 1).findings()[0]
            _, [row] = self.list_findings(out)
            self.assertEqual((row['runs'], row['first'], row['count']), (1, row['last'], first['count']))
            self.assertEqual(row['hit'], 3, row)
            second = self.expect(run('--out', out, *CRASH), 1).findings()[0]
            self.assertEqual(second['signature'], first['signature'])
            lines, [again] = self.list_findings(out)
            subprocess.run([FTSTRESS, 'reproduce', first['id'], '--out', out], env=ENVIRONMENT, capture_output=True, check=False)
            _, [reproduced] = self.list_findings(out)
        self.assertEqual((again['runs'], again['count']), (2, first['count'] + second['count']))
        self.assertEqual((again['first'], again['hit']), (row['first'], 3))
        self.assertEqual((reproduced['hit'], reproduced['runs']), (6, 2))
        self.assertGreater(again['last'], row['last'])
        self.assertEqual(lines[0].split(), 'id kind function package count runs first seen last seen reproduced'.split())
        self.assertEqual([line.index(word) for line, word in zip(lines, ('kind', 'crash'))], [lines[0].index('kind')] * 2, lines)
        self.assertTrue(lines[1].endswith(f"3 of {again['of']}"), lines)

    @each([('id',), ('signature',)])
    def test_known(self, key):
        """a known finding does not fail a run, and every form says so; an entry that matches nothing is a note"""
        with tempfile.TemporaryDirectory() as folder:
            finding = self.expect(run(*CRASH), 1).findings()[0]
            path = known_file(folder, key, finding[key])
            done = run('--known', path, '--as', 'junit', '-o', f'{folder}/junit', *CRASH)
            out = done.dir / 'out'
            forms = {form: subprocess.run([FTSTRESS, 'report', '--out', out, '--as', form], capture_output=True, text=True,
                                          check=True).stdout for form in ('sarif', 'github', 'html')}
            forms['junit'] = Path(folder, 'junit').read_text()
        self.assertEqual(done.status, 0, done)
        self.assertIn(f"nothing but known findings ({finding['id']}): exit status 0", done.out)
        self.assertIn(f"; known: {finding['id']}", done.last_line)
        self.assertIn('note: 1 of 2 known findings was not seen: F0000000', done.out)
        for text in done.out, *forms.values():
            self.assertIn('KNOWN: it writes to NULL (https://example.org/1)', text)
        self.assertEqual(done.findings()[0]['known']['where'], f'{path}:2')
        self.assertIn('failures="0" errors="0" skipped="1"', forms['junit'])
        self.assertEqual(json.loads(forms['sarif'])['runs'][0]['results'][0]['suppressions'][0]['status'], 'accepted')

    def test_not_known(self):
        """a finding that the list does not have fails the run"""
        with tempfile.TemporaryDirectory() as folder:
            done = run('--known', known_file(folder, 'id', 'F1111111'), *CRASH)
        self.expect(done, 1)
        self.assertIn('note: 2 of 2 known findings were not seen: F1111111, F0000000', done.out)

    @each([('none', None, 'cannot read list of known findings'), ('no_list', 'findings: 3', 'findings must be a list'),
           ('no_link', 'findings: [{id: F1, reason: x}]', 'has no link'), ('no_reason', 'findings: [{id: F1, link: x}]', 'has no reason'),
           ('no_id', 'findings: [{link: x, reason: y}]', 'neither id nor signature'), ('key', 'known: []', "unknown key 'known'"),
           ('entry_key', 'findings: [{id: F1, colour: x}]', "unknown key 'colour' in a known finding; the keys are id, signature"),
           ('empty', 'findings: [{id: "", link: x, reason: y}]', 'id is empty: write it, or leave the key out'),
           ('top', '- id: F1', "known findings are a list under the key 'findings', not a list"), ('syntax', 'findings: [', 'not YAML')])
    def test_bad_file(self, name, text, words):
        """a list that cannot be read is a usage error, with its line"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, 'known.yaml')
            if text:
                path.write_text(text)
            done = run('--known', path, *CRASH)
        self.assertEqual((done.status, done.out), (2, ''), done)
        self.assertRegex(done.err, rf'\Aftstress: [^\n]*known.yaml[^\n]*\n\Z')
        self.assertIn(words, done.err)


if __name__ == '__main__':
    import unittest
    unittest.main()
