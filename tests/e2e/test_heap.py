"""The planted heap bugs: tests/planted/expected.yaml holds the expected finding of each."""
import re
import unittest
from pathlib import Path
from types import SimpleNamespace

from harness import BUILD, EndToEnd, Run, each, others

PLANTED = Path(__file__).resolve().parents[1] / 'planted'
COLUMNS = {'module', 'detector', 'kind', 'sentence', 'function', 'when', 'how'}


def expected():
    """Reads the rows of expected.yaml by module; the head of the file defines its subset of YAML."""
    rows = []
    for line in (PLANTED / 'expected.yaml').read_text().splitlines():
        if not line or line.startswith('#'):
            continue
        if line.startswith('- '):
            rows.append({})
        key, value = line[2:].split(': ', 1)
        rows[-1][key] = value[1:-1] if value.startswith("'") else value
    return {row['module']: SimpleNamespace(**row) for row in rows}


EXPECTED = expected()
MODULES = [(module,) for module in EXPECTED]


def stress(module, call, detect):
    seconds = 4 if EXPECTED[module].detector == 'pyheap' else 2  # this member of the portfolio runs after the bare children
    return Run('-s', f'import {module}', '-t', 4, '--time', seconds, '--detect', detect, f'{module}.{call}()')


class PlantedHeapBugs(EndToEnd):
    @each(MODULES)
    def test_bug(self, module):
        """one finding names the damage to the block and the function; without its detector there is none"""
        row = EXPECTED[module]
        with stress(module, 'bug', f'{row.detector},crash,log') as done, \
                stress(module, 'bug', others(row.detector)) as without:
            done.finish()
            without.finish()
        self.expect(done, 1)
        found = done.findings(detector=row.detector)
        self.check(len(found) == 1, done, f'{len(found)} findings of {row.detector}; one was planted')
        finding = found[0]
        self.check(finding['kind'] == row.kind, done, f"the kind is {finding['kind']}")
        self.assertRegex(finding['message'], row.sentence, done)
        for other in done.findings():
            explained = finding['id'] in (other['id'], other['cause'])
            self.check(explained, done, f"{other['id']} is no consequence of {finding['id']}")
        if row.how == 'focus':
            self.check(finding['block']['trapped'], done, 'not caught in the act')
        if row.function:
            self.check(finding['function'] == row.function, done, f"the function is {finding['function']}")
            self.check(finding['package'] == module, done, f"the package is {finding['package']}")
            self.check(finding['blame'] == 'target', done, f"blame: {finding['blame']}")
        self.check(without.status in (0, 1, 3), without, 'the run broke')
        self.check(not without.findings(detector=row.detector), without, f'{row.detector} is off and reports')

    @each(MODULES)
    def test_twin(self, module):
        """the twin, which stays in bounds, is silent"""
        done = stress(module, 'twin', f'{EXPECTED[module].detector},crash,log').finish()
        self.expect(done, 0)
        self.check(done.json['calls'] > 1000 and done.json['overlap'] > 0, done, 'too little was tested')


class Rows(unittest.TestCase):
    def test_complete(self):
        """each heap module has a complete row"""
        sources = {path.stem for detector in ('heap', 'arena', 'pyheap') for path in PLANTED.glob(f'{detector}_*.c*')}
        self.assertEqual(sources, set(EXPECTED))
        for module, row in EXPECTED.items():
            self.assertEqual(set(vars(row)) - {'read'}, COLUMNS, module)
            self.assertTrue(list((BUILD / 'planted').glob(f'{module}.*.so')), f'{module} is not built')
            re.compile(row.sentence)


if __name__ == '__main__':
    unittest.main()
