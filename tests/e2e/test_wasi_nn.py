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


class WasiNN(EndToEnd):
    @each(FAULTS)
    def test_fault(self, scenario, kind, sentence):
        """the fault is found, and is called what it is and nothing else"""
        done = self.expect(run(scenario), 1)
        self.assertEqual(done.kinds(), [kind], done)
        self.assertRegex('\n'.join(f['message'] for f in done.findings(kind=kind)), sentence, done)

    def test_clean(self):
        """the same code without its faults is silent"""
        done = self.expect(run('wasi-nn'), 0)
        self.check(done.json['calls'] > 100, done, 'too little was tested')


if __name__ == '__main__':
    unittest.main()
