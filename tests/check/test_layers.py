"""scripts/check/layers: it passes a tree that keeps its layers, and reports each kind of fault in one that does not."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

LAYERS = pathlib.Path(__file__).resolve().parents[2] / 'scripts' / 'check' / 'layers'
GOOD = {
    'CMakeLists.txt': 'add_layer(low)\nadd_layer(high USES low LIBRARIES m)\n',
    'low/low.h': 'int low(void);\n',
    'low/low.c': '#include "low/low.h"\nint low(void) { return 1; }\n',
    'high/high.c': '#include "low/low.h"\nint high(void);\nint high(void) { return low(); }\n',
}


class Layers(unittest.TestCase):
    def check(self, changes, gone=None):
        """Compiles the good tree with these changes, removes one source, and returns what the script prints and its status."""
        with tempfile.TemporaryDirectory() as folder:
            harness, build = pathlib.Path(folder, 'harness'), pathlib.Path(folder, 'build')
            for name, text in (GOOD | changes).items():
                path = harness / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            for source in harness.rglob('*.c'):
                name = source.relative_to(harness)
                target = build / 'harness/CMakeFiles' / f'{name.parent.name}.dir' / f'{name}.o'
                target.parent.mkdir(parents=True, exist_ok=True)
                subprocess.run(['cc', '-fvisibility=hidden', '-I', harness, '-c', source, '-o', target], check=True)
            if gone:
                (harness / gone).unlink()
            result = subprocess.run([sys.executable, LAYERS, build, harness], capture_output=True, text=True)
            return result.stdout + result.stderr, result.returncode

    def assert_fault(self, changes, sentence, gone=None):
        text, status = self.check(changes, gone)
        self.assertIn(sentence, text)
        self.assertEqual(status, 1, text)

    def test_a_good_tree_passes(self):
        text, status = self.check({})
        self.assertEqual((text, status), ('2 files, 1 pairs of caller and callee, 0 faults\n', 0))

    def test_an_include_against_the_layers(self):
        self.assert_fault({'high/high.h': '', 'low/low.c': '#include "high/high.h"\nint low(void) { return 1; }\n'},
                          'harness/low/low.c:1: includes high/high.h, but low does not use high')

    def test_a_call_against_the_layers_without_an_include(self):
        self.assert_fault({'low/up.c': 'int high(void);\nint up(void) { return high(); }\n'},
                          'harness/low/up.c uses high of high/high.c, but low does not use high')

    def test_a_circle_of_calls_in_one_layer(self):
        text = {'low/low.c': 'int other(void);\nint low(void) { return other(); }\n',
                'low/other.c': 'int low(void);\nint other(void) { return low(); }\n'}
        self.assert_fault(text, 'a circle of calls:')

    def test_an_object_without_a_source_hides_nothing(self):
        text = {'low/low.c': 'int other(void);\nint low(void) { return other(); }\n',
                'low/other.c': 'int low(void);\nint other(void) { return low(); }\n',
                'old/other.c': 'int other(void) { return 2; }\nint old(void);\nint old(void) { return 2; }\n'}
        self.assert_fault(text, 'a circle of calls:', gone='old/other.c')

    def test_a_call_of_the_c_library_is_no_call_of_the_file_that_interposes_it(self):
        interpose = '__attribute__((visibility("default"))) void free(void *at) { (void)at; }\n'
        user = '#include <stdlib.h>\nint low(void) { free(NULL); return 1; }\n'
        text, status = self.check({'high/interpose.c': interpose, 'low/low.c': user})
        self.assertEqual(status, 0, text)

    def test_a_long_file_and_a_full_folder(self):
        self.assert_fault({'low/long.h': '\n' * 401}, 'harness/low/long.h: 401 lines')
        self.assert_fault({f'low/n{i}.h': '' for i in range(30)}, 'harness/low: 32 files')


if __name__ == '__main__':
    unittest.main()
