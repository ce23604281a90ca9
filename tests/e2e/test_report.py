"""`ftstress report` and `ftstress show`: a planted bug in every form, and the errors if nothing was kept."""
import html.parser
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from harness import BUILD, FTSTRESS, SANITIZED, EndToEnd, each, run

MODULE = 'crash_abort' if SANITIZED else 'log_double_free'
BUG = ('-s', f'import {MODULE}', '--time', '2s', '--verify', '0', f'{MODULE}.bug()')
XSD = Path(__file__).with_name('junit.xsd')
VOID = {'meta', 'br', 'hr', 'img', 'input', 'link', 'area', 'base', 'col', 'embed', 'source', 'track', 'wbr'}


def ftstress(*args, cwd=None):
    return subprocess.run([str(FTSTRESS), *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          encoding='utf-8', cwd=cwd, timeout=60, check=False,
                          env=os.environ | {'PYTHONPATH': str(BUILD / 'planted')})


def forms():
    """The values of --as, from the table of reporters."""
    words = ' '.join(ftstress('report', '--help').stdout.split())
    return re.search(r'form of the report: ([a-z0-9, ]+)', words)[1].strip().split(', ')


FORMS = forms()


class Page(html.parser.HTMLParser):
    """Checks that every tag is closed in order; collects everything that a page could load."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.tags, self.loads, self.ids, self.anchors, self.text = [], set(), [], set(), set(), ''
        self.feed(text)
        self.close()
        assert not self.open, f'left open: {self.open}'

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == 'href' and value.startswith('#'):
                self.anchors.add(value[1:])
            elif name in ('src', 'href', 'srcset', 'action', 'data', 'poster'):
                self.loads.append((tag, name, value))
            elif name == 'id':
                self.ids.add(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f'</{tag}> closes {self.open[-3:]}'
        self.open.pop()

    def handle_data(self, data):
        if not self.open or self.open[-1] != 'script':
            self.text += data


class Report(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.done = run(*BUG)
        cls.out = cls.done.dir / 'out'

    def report(self, *args):
        done = ftstress('report', '--out', self.out, *args)
        self.assertEqual((done.returncode, done.stderr), (0, ''), done)
        return done.stdout

    def check_junit(self, text, **counts):
        suite = ElementTree.fromstring(text).find('testsuite')
        for name, count in counts.items():
            self.assertEqual(int(suite.get(name)), count, name)
        self.assertEqual(len(suite.findall('testcase')), int(suite.get('tests')))
        self.assertEqual(len(suite.findall('testcase/failure')), int(suite.get('failures')))
        self.assertEqual(len(suite.findall('testcase/skipped')), int(suite.get('skipped')))
        return suite

    def check_location(self, location):
        physical = location.get('physicalLocation')
        self.assertTrue(physical or location.get('logicalLocations'), location)
        if physical:
            self.assertIsInstance(physical['artifactLocation']['uri'], str)
            self.assertNotIn(' ', physical['artifactLocation']['uri'])
            self.assertGreater(physical['region']['startLine'], 0)
        for logical in location.get('logicalLocations', ()):
            self.assertTrue(logical['name'])

    def check_result(self, result, rules):
        self.assertEqual(rules[result['ruleIndex']]['id'], result['ruleId'])
        self.assertIn(result['level'], ('none', 'note', 'warning', 'error'))
        self.assertTrue(result['message']['text'])
        self.assertGreater(result['occurrenceCount'], 0)
        self.assertTrue(all(isinstance(value, str) for value in result['partialFingerprints'].values()))
        for location in result['locations']:
            self.check_location(location)
        for stack in result['stacks']:
            self.assertTrue(stack['message']['text'])
            for frame in stack['frames']:
                self.check_location(frame['location'])

    def check_sarif(self, text):
        """Checks by hand the parts of the official schema that ftstress writes, without a JSON schema library."""
        log = json.loads(text)
        self.assertEqual(log['version'], '2.1.0')
        self.assertIn('sarif-schema-2.1.0.json', log['$schema'])
        self.assertEqual(set(log), {'version', '$schema', 'runs'})
        one, = log['runs']
        self.assertEqual(set(one), {'tool', 'invocations', 'results', 'columnKind'})
        driver = one['tool']['driver']
        self.assertEqual(driver['name'], 'ftstress')
        rules = driver['rules']
        self.assertEqual(len({rule['id'] for rule in rules}), len(rules))
        for rule in rules:
            self.assertTrue(rule['shortDescription']['text'])
        invocation, = one['invocations']
        self.assertIsInstance(invocation['executionSuccessful'], bool)
        self.assertIsInstance(invocation['exitCode'], int)
        for note in invocation['toolExecutionNotifications']:
            self.assertTrue(note['message']['text'])
        for result in one['results']:
            self.check_result(result, rules)
        return one

    def test_run_found_the_bug(self):
        """the run that the other tests report on"""
        self.expect(self.done, 1)
        self.assertEqual(json.loads((self.out / 'report.json').read_text()), self.done.json)

    @each((form,) for form in FORMS)
    def test_form(self, form):
        """the last run, on standard output and with --output"""
        text = self.report('--as', form)
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(self.report('--as', form, '-o', f'{folder}/x'), '')
            self.assertEqual(Path(folder, 'x').read_text(encoding='utf-8'), text)
        for finding in self.done.findings():
            self.assertIn(finding['id'], text)

    @each((form,) for form in FORMS)
    def test_one(self, form):
        """one finding, by id, folder and file"""
        identity = self.done.findings()[0]['id']
        names = identity, self.out / identity, self.out / identity / 'finding.json'
        texts = {self.report(name, '--as', form) for name in names}
        self.assertEqual(len(texts), 1)
        self.assertIn(MODULE, texts.pop())

    def test_junit(self):
        n = len(self.done.findings())
        self.check_junit(self.report('--as', 'junit'), tests=n, failures=n, errors=0, skipped=0)

    def test_junit_is_valid(self):
        if not shutil.which('xmllint'):
            self.skipTest('xmllint is not installed: the XML was parsed, not validated')
        text = self.report('--as', 'junit')
        done = subprocess.run(['xmllint', '--noout', '--schema', XSD, '-'], input=text, capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_sarif(self):
        one = self.check_sarif(self.report('--as', 'sarif'))
        self.assertEqual(len(one['results']), len(self.done.findings()))
        self.assertEqual(one['invocations'][0]['exitCode'], 1)
        uris = {location['physicalLocation']['artifactLocation']['uri'] for result in one['results']
                for location in result['locations'] if 'physicalLocation' in location}
        self.check(any(uri.endswith(f'{MODULE}.c') for uri in uris), self.done, f'the source is not in {uris}')

    def check_page(self, page, findings):
        self.assertEqual(page.loads, [])
        self.assertLessEqual(page.anchors, page.ids)
        self.assertNotIn('url(', page.text)
        for finding in findings:
            self.assertIn(finding['message'], page.text)
            self.assertIn(finding['plan']['yaml'], page.text)

    def test_html_without_scripts(self):
        """a reader without scripts sees the findings, the plans and the text of the report"""
        text = self.report('--as', 'html')
        page = Page(text)
        self.check_page(page, self.done.findings())
        self.assertEqual(text.count('<script'), 2)
        self.assertIn(ftstress('show', '--out', self.out, self.done.findings()[0]['id']).stdout.splitlines()[5], page.text)

    def draw(self, page):
        """The page after its scripts ran in a browser."""
        browser = shutil.which('chromium') or shutil.which('chromium-browser')
        if not browser:
            self.skipTest('chromium is not installed: the page was parsed, not drawn')
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'page.html').write_text(page, encoding='utf-8')
            done = subprocess.run([browser, '--headless', '--no-sandbox', '--disable-gpu', '--enable-logging=stderr',
                                   f'--user-data-dir={folder}/profile', '--dump-dom', f'{folder}/page.html'],
                                  capture_output=True, text=True, encoding='utf-8', timeout=120, check=False)
        self.assertNotIn('CONSOLE', done.stderr)
        return Page(done.stdout)

    def test_html_in_a_browser(self):
        """the scripts of the page draw the findings of the run"""
        page = self.draw(self.report('--as', 'html'))
        self.check_page(page, self.done.findings())
        self.assertIn('article', page.tags)
        for finding in self.done.findings():
            self.assertIn(finding['id'], page.ids)

    def test_html_draws_every_part(self):
        """a report with all parts, and with text that looks like markup"""
        report = json.loads(Path(__file__).with_name('report.json').read_text(encoding='utf-8'))
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, 'report.json').write_text(json.dumps(report), encoding='utf-8')
            done = ftstress('report', f'{folder}/report.json', '--as', 'html')
        page = self.draw(done.stdout)
        self.check_page(page, report['findings'])
        self.assertNotIn('img', page.tags)
        for words in ('a float64 (10,), 80 bytes; touched: offset +80, length 8, right behind its end',
                      '41 42 43 44 00 ff 3c 26  ABCD..<&', 'with the GIL on', '0 of 5', 'without numpy.repeat',
                      'Lowest sharing level that fails: readonly', 'Because: innermost frame of numpy',
                      'seen 3 times, in 1 of 4 children, 8 threads, sharing level readonly', 'never, in 90 looks',
                      'definitely', '16384.0 B in 1.00', 'crashed in np.repeat(x, 2)', 'rax 0x10', 'Look first at F7654321',
                      '1 thread waited for the next round', '9223372036854775807', 'Aborted, 100 calls'):
            self.assertIn(words, page.text)

    def test_text_is_that_of_the_run(self):
        """`report` prints what `run` printed"""
        self.assertEqual(self.done.out, f'{self.report()}\n  kept under {self.out}/\n')

    def test_forms_are_documented(self):
        """docs/reports.md has a row for each form"""
        text = Path(__file__).parents[2].joinpath('docs', 'reports.md').read_text(encoding='utf-8')
        rows = text.partition('\n## Forms\n')[2].partition('\n## ')[0]
        self.assertEqual(re.findall(r'^\| `(\w+)` \|', rows, re.M), FORMS)

    def test_github(self):
        finding = self.done.findings()[0]
        done = ftstress('report', '--out', self.out, finding['id'], '--as', 'github')
        self.assertEqual(done.returncode, 0, done)
        text = done.stdout
        self.assertIn(f"Where it was found, `ftstress reproduce {finding['id']}` makes them.", text)
        self.assertIn('## BUG: ', text)
        self.assertIn('ftstress run plan.yaml --python ', text)
        self.assertIn(f"```yaml\n{finding['plan']['yaml']}```\n", text)
        self.assertIn('<details><summary>', text)
        self.assertEqual(text.count('<details>'), text.count('</details>'))
        self.assertIn('- python: 3.', text)
        self.assertRegex(text, r'It failed in [1-5] of [1-5] runs here')
        self.assertIn(f'```python\n"""{finding["kind"]}', text)
        self.assertIn('>>> sys.version\n3.', text)
        self.assertIn('\n| as it was | ' if finding['trials'] is not None else '## BUG', text)

    def test_show(self):
        finding = self.done.findings()[0]
        done = ftstress('show', '--out', self.out, finding['id'])
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(finding['message'], done.stdout)
        self.assertIn(finding['signature'], done.stdout)
        for line in finding['plan']['yaml'].splitlines():
            self.assertIn(line, done.stdout)

    @each([('form', 2, ('report', '--as', 'pdf')), ('names', 2, ('report', 'a', 'b')), ('no_name', 2, ('show',)),
           ('no_finding', 3, ('report', 'F0000000')), ('no_run', 3, ('report', '--out', '/nowhere')),
           ('no_report', 3, ('report', '/proc/self/status')), ('show_none', 3, ('show', 'F0000000')),
           ('no_place', 125, ('report', '-o', '/nowhere/x')), ('run_form', 2, ('run', '--as', 'pdf', 'somersd'))])
    def test_error(self, name, status, args):
        """one sentence with a remedy, and the exit status"""
        done = ftstress(*args, *(() if '--out' in args else ('--out', self.out)))
        self.assertEqual((done.returncode, done.stdout), (status, ''), done)
        self.assertRegex(done.stderr, r'\Aftstress: [^\n]{20,}\n\Z')

    def test_help_teaches(self):
        for command in 'report', 'show':
            done = ftstress(command, '--help')
            self.assertEqual(done.returncode, 0)
            self.assertIn(f'usage: ftstress {command} ', done.stdout)
        for form in FORMS:
            self.assertIn(form, ftstress('report', '--help').stdout)

    def test_clean_and_untested(self):
        """a clean run is one passed case, and an untested one is skipped with its reason"""
        clean = run('--time', '1s', '--as', 'junit', '-s', 'x = 1', 'x + 1')
        self.expect(clean, 0)
        self.check_junit(clean.out, tests=1, failures=0, errors=0, skipped=0)
        untested = run('--time', '1s', '--as', 'junit', 'no_such_module:f()')
        self.expect(untested, 3)
        suite = self.check_junit(untested.out, tests=1, failures=0, errors=0, skipped=1)
        self.assertIn('no_such_module', suite.find('testcase/skipped').get('message'))
        for done in clean, untested:
            one = self.check_sarif(ftstress('report', '--out', done.dir / 'out', '--as', 'sarif').stdout)
            self.assertEqual(one['results'], [])
            self.assertEqual(one['invocations'][0]['executionSuccessful'], done.status == 0)


if __name__ == '__main__':
    unittest.main()
