"""The faults of WasmEdge's WASI-NN plugin: each is told by its name, before the process crashes; scripts/scenarios.sh runs
the scenarios whose set-ups take longer."""
import unittest

from harness import EndToEnd, each, run

FAULTS = [
    ('wasi-nn-double-release', 'refcount-underflow', r'released twice: model \(object\) loses 1\.00 references'),
    ('wasi-nn-borrowed-release', 'refcount-underflow', r'first \(int\) loses 1\.00 references'),
    ('wasi-nn-lost-string', 'reference-leak', r'graph_load \(wasi_nn\) \w+ in each call: 1\.00 str'),
    ('wasi-nn-uninitialised', 'refcount-underflow', r'model \(object\) loses 1\.00 references'),
    ('wasi-nn-early-return', 'reference-leak', r'graph_compute \(wasi_nn\) \w+ in each call: .*1\.00 list'),
    ('wasi-nn-unattached', 'crash', 'unattached'),
    ('wasi-nn-crash', 'crash', 'double_release'),
]

# Another detector than the one that sees the fault.
OFF = [
    ('wasi-nn-lost-string', 'refcount', 0),
    ('wasi-nn-early-return', 'refcount', 0),
    ('wasi-nn-crash', 'exception', 3),
]


class WasiNN(EndToEnd):
    @each(FAULTS)
    def test_fault(self, scenario, kind, sentence):
        """the fault is found, and is called what it is and nothing else"""
        done = self.expect(run(scenario), 1)
        self.assertEqual(done.kinds(), [kind], done)
        self.assertRegex('\n'.join(f['message'] for f in done.findings(kind=kind)), sentence, done)

    @each(OFF)
    def test_off(self, scenario, detect, status):
        """without its detector a fault is not found; a process that dies of it is not called clean"""
        done = self.expect(run(scenario, '--detect', detect), status)
        self.assertEqual(done.kinds(), [], done)

    def test_blame(self):
        """the crash is in the interpreter, and the fault is the package's"""
        finding, = self.expect(run('wasi-nn-crash'), 1).findings()
        self.assertEqual((finding['blame'], finding['function'], finding['package']), ('target', 'wasi_nn.load', 'wasi_nn'))

    def test_clean(self):
        """the same code without its faults is silent"""
        done = self.expect(run('wasi-nn'), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')


if __name__ == '__main__':
    unittest.main()
