"""scripts/check/sentences: it passes a tree where each sentence has a test, and reports each kind of fault."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SENTENCES = pathlib.Path(__file__).resolve().parents[2] / 'scripts' / 'check' / 'sentences'
CODE = 'harness/driver/judge/a.c'
TEST = 'tests/unit/driver/judge/test_a.c'


class Sentences(unittest.TestCase):
    def check(self, files):
        """Writes these files, and returns what the script prints and its status."""
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = pathlib.Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            result = subprocess.run([sys.executable, SENTENCES, folder], capture_output=True, text=True)
            return result.stdout + result.stderr, result.returncode

    def assert_passes(self, files, n):
        self.assertEqual(self.check(files), (f'{n} sentences, 0 faults\n', 0))

    def assert_fault(self, files, sentence):
        text, status = self.check(files)
        self.assertIn(sentence, text)
        self.assertEqual(status, 1, text)

    def test_three_words_in_a_row_are_enough(self):
        code = 'f("%u of " "%" PRIu64 " children " "died of a signal", n);\n'
        self.assert_passes({CODE: code, TEST: 'g("4 children died of");\n'}, 1)
        self.assert_passes({CODE: code, 'tests/e2e/test_a.py': "run('children died ' f'of {x}')\n"}, 1)
        self.assert_passes({CODE: code, 'tests/planted/expected.yaml': 'a: children died of\n'}, 1)

    def test_other_words_are_not(self):
        self.assert_fault({CODE: 'f("a child died of a signal");\n', TEST: 'g("a child", "died of", "a signal");\n'},
                          f"{CODE}:1: no test has the words of: 'a child died of a signal'")

    def test_a_comment_or_a_docstring_tests_nothing(self):
        code = {CODE: 'f("a child died of a signal");\n'}
        self.assert_fault(code | {TEST: '/* "a child died of a signal" */\n'}, '1 faults')
        self.assert_fault(code | {'tests/e2e/test_a.py': '"""a child died of a signal"""\n'}, '1 faults')

    def test_a_short_part_counts_as_a_whole(self):
        code = {CODE: 'f("%s holds now %s", a, b);\n'}
        self.assert_passes(code | {TEST: 'g("it holds now 4");\n'}, 1)
        self.assert_fault(code | {TEST: 'g("it holds 4");\n'}, '1 faults')

    def test_words_of_another_sentence_are_no_test(self):
        files = {CODE: 'f("the end of a thread");\nf("the end of the file");\n', TEST: 'g("the end of the file");\n'}
        self.assert_fault(files, f"{CODE}:1: no test has the words of: 'the end of a thread'")

    def test_names_and_options_are_no_sentences(self):
        code = '#include "a/b.h"\n/* "no sentence at all" */\nf("--leak-check=full", "a_b.c", "https://a.b/c", "{s:s}", \'"\');\n'
        self.assert_passes({CODE: code, 'harness/driver/other/b.c': 'f("a sentence of another folder");\n'}, 0)

    def test_two_places_of_one_sentence(self):
        test = {TEST: 'g("a child died of some signal");\n'}
        self.assert_fault({CODE: 'f("a child died of some signal");\n' * 2} | test,
                          f"{CODE}:2: also at {CODE}:1: 'a child died of some signal'")
        self.assert_passes({CODE: 'f("died of some signal");\n' * 2} | test, 2)


if __name__ == '__main__':
    unittest.main()
