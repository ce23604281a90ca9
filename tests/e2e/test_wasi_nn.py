"""The bugs of WasmEdge's WASI-NN plugin: each is named before the process crashes. scripts/scenarios.sh runs the
scenarios with set-ups that take longer."""
import unittest

from harness import EndToEnd, each, run

FAULTS = [
    ('wasi-nn-double-release', 'refcount-underflow', r'released too often: model \(object\) loses 1\.00 references'),
    ('wasi-nn-borrowed-release', 'refcount-underflow', r'first \(int\) loses 1\.00 references'),
    ('wasi-nn-lost-string', 'reference-leak', r'graph_load \(wasi_nn\) \w+ in each call: 1\.00 str'),
    ('wasi-nn-uninitialised', 'refcount-underflow', r'model \(object\) loses 1\.00 references'),
    ('wasi-nn-early-return', 'reference-leak', r'graph_compute \(wasi_nn\) \w+ in each call: .*1\.00 list'),
    ('wasi-nn-unattached', 'crash', 'unattached'),
    ('wasi-nn-crash', 'crash', 'double_release'),
]

# A detector other than the one that finds the bug.
OFF = [
    ('wasi-nn-lost-string', 'refcount', 0),
    ('wasi-nn-early-return', 'refcount', 0),
    ('wasi-nn-crash', 'exception', 3),
]


class WasiNN(EndToEnd):
    @each(FAULTS)
    def test_fault(self, scenario, kind, sentence):
        """the bug is found and named correctly"""
        done = self.expect(run(scenario), 1)
        self.assertEqual(done.kinds(), [kind], done)
        self.assertRegex('\n'.join(f['message'] for f in done.findings(kind=kind)), sentence, done)

    @each(OFF)
    def test_off(self, scenario, detect, status):
        """without its detector a bug is not found; a run in which the process dies is not clean"""
        done = self.expect(run(scenario, '--detect', detect), status)
        self.assertEqual(done.kinds(), [], done)

    def test_blame(self):
        """the crash is in the interpreter, and the package is blamed"""
        finding, = self.expect(run('wasi-nn-crash'), 1).findings()
        self.assertEqual((finding['blame'], finding['function'], finding['package']), ('target', 'wasi_nn.load', 'wasi_nn'))

    def test_clean(self):
        """the same code without its bugs is silent"""
        done = self.expect(run('wasi-nn'), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')


if __name__ == '__main__':
    unittest.main()
