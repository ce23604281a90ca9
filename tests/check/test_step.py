"""harness/child/step/step.py: what it does without the module ast is what this module does."""
import ast
import pathlib
import subprocess
import sys
import unittest

STEP = pathlib.Path(__file__).resolve().parents[2] / 'harness' / 'child' / 'step' / 'step.py'
PLAIN = 'f()', 'm.f(x)', 'np.linalg.norm(x, 2)', "g(x, 'axis')", 'f(g(x), h(1))', 'x', 'x.T', '7', "'name'"
OTHERS = ('f(*x)', 'f(x=1)', "f('two words')", 'f(x)(y)', 'f(x).y', 'f(1.5, None, True)', 'x[::2].sum()', '(1).real',
          "u'text'", 'y = f(x)', 'x += 1', 'f(-1, (2, [3]))', 'for i in x: f(i)', 'import numpy as np', 'lambda a: a', 'f(x) + 1',
          'iteration_index % 7', 'f(10**20)', 'f(0x10)', '# nothing\nf(  x )')


def names():
    space = {}
    exec(STEP.read_text(), space)
    return space


class Step(unittest.TestCase):
    def test_source(self):
        """the text of a statement, by its own rules or by ast.unparse"""
        space = names()
        for text in PLAIN + OTHERS:
            for node in ast.parse(text).body:
                self.assertEqual(space['source_of'](node), ast.unparse(node))
        for text in PLAIN:
            self.assertIsNotNone(space['plain_source'](ast.parse(text).body[0]), text)

    def test_walk(self):
        for text in PLAIN + OTHERS:
            node = ast.parse(text)
            self.assertEqual(list(names()['walk'](node)), list(ast.walk(node)))

    def test_arguments(self):
        """constants in any form, and names; nothing that runs code"""
        argument_of = names()['argument_of']
        for text, argument in ('x', 'x'), ('1', (1,)), ('-1', (-1,)), ('(1, "a")', ((1, 'a'),)), ('1 + 2j', (1 + 2j,)):
            self.assertEqual(argument_of(ast.parse(text).body[0].value), argument)
        for text in 'f()', '[1]', 'x[0]', 'x + 1', '(x, 1)', 'f"{x}"':
            with self.assertRaises(Exception, msg=text):
                argument_of(ast.parse(text).body[0].value)

    def test_imports(self):
        """plain statements need no module but those of the interpreter's start"""
        code = f'import sys\nexec(open({str(STEP)!r}).read())\nparse({chr(10).join(PLAIN)!r}, "step")\n' \
               'sys.exit("ast" in sys.modules)'
        self.assertEqual(subprocess.run([sys.executable, '-I', '-S', '-c', code], check=False).returncode, 0)


if __name__ == '__main__':
    unittest.main()
