"""`ftstress fuzz`: drawn calls of a module."""
import os
import signal
import unittest

from harness import BROKEN, BUILD, GOOD, EndToEnd, Run, run, wait_until

BUGS = {'backward': {'backward'}, 'pair': {'hold', 'peek'}}
# A deadlock of threads that call one function, beside a call that has no part in it.
STAYS = """import threading, time
_a, _b, _alone, _turn = threading.Lock(), threading.Lock(), threading.main_thread().ident, [0]
def stay(x):
    _turn[0] += 1
    first, second = (_a, _b) if _turn[0] % 2 else (_b, _a)
    with first:
        if threading.get_ident() != _alone:
            time.sleep(0.02)
        with second:
            return 1
def calm(x):
    return 2
"""
STAYS_PLAN = """name: fuzz
about: 'stays.stay fails F1234567; stays.calm fails F1234567'
setup: import stays
inputs:
- {name: uints, recipe: 'u4[20]'}
roles:
- stays.stay(uints)
- stays.calm(uints)
threads: 4
time: 10s
seed: 3
share: readonly
detect: default
"""
# Calls in the plan of a pair: a busy machine may leave some that it does not need.
PAIR_MOST = 4
# A bug may need more rounds than a busy machine has time for.
TRIES = 4


def fuzz(*args, corpus, timeout=200, **options):
    return Run(*args, '--corpus', str(corpus), command='fuzz', **options).finish(timeout)


def fuzz_until(holds, *args, seconds, corpus, **options):
    """Fuzzes until `holds(done)`, each time twice as long. Returns the last run."""
    for seed in range(TRIES):
        done = fuzz(*args, '--time', str(seconds << seed), '--seed', str(seed), corpus=corpus, timeout=400, **options)
        if holds(done):
            break
    return done


def callables_of(done):
    """Returns for each callable the ids of its findings."""
    return {row['name'].partition('.')[2]: row.get('findings', []) for row in done.json['sweep']['callables']}


class Fuzzed(EndToEnd):
    @classmethod
    def setUpClass(cls):
        cls.runs, cls.found = [], {}
        for seed in range(TRIES):
            corpus = cls.runs[0].dir / 'corpus' if cls.runs else None
            first = Run('fuzzed', '--time', str(20 << seed), '--seed', str(seed), '--corpus', str(corpus or 'corpus'),
                        command='fuzz')
            done = first.finish(400)
            if not cls.runs:
                (done.cwd / 'corpus').rename(done.dir / 'corpus')
            cls.runs.append(done)
            for name, ids in callables_of(done).items():
                cls.found.setdefault(name, set()).update(ids)
            if all(cls.found.get(name) for names in BUGS.values() for name in names):
                break
        cls.done = cls.runs[-1]
        cls.corpus = cls.runs[0].dir / 'corpus'

    def findings_of(self, name):
        return [f for done in self.runs for f in done.findings() if f['id'] in self.found.get(name, ())]

    def test_stride(self):
        """a crash that needs integers with a negative stride is found, in the right function, by one thread"""
        found = self.findings_of('backward')
        self.assertEqual({f['kind'] for f in found}, {'crash'}, self.done)
        self.check(all('backward' in (f['function'] or f['message']) for f in found), self.done, 'another function is named')

    def test_pair(self):
        """a failure of two callables at the same time is found, with both of them in its plan"""
        found = self.findings_of('peek')
        self.assertEqual({f['kind'] for f in found}, {'exception'}, self.done)
        self.check(all('fuzzed.hold(' in f['plan']['yaml'] and 'fuzzed.peek(' in f['plan']['yaml'] for f in found), self.done,
                   'the plan has one callable')
        self.check(all(f['plan']['yaml'].count('- fuzzed.') + f['plan']['yaml'].count('- object_') <= PAIR_MOST for f in found),
                   self.done, 'the plan has calls that the failure does not need')

    def test_status(self):
        """a finding sets exit status 1; the text counts the rounds and the plans"""
        self.expect(self.runs[0], 1 if self.runs[0].findings() else 0)
        self.assertRegex(self.done.out, r'corpus: [1-9]\d* plans in ', self.done)
        self.assertRegex(self.done.out, r'rounds: [1-9]', self.done)

    def test_clean(self):
        """no finding blames a twin"""
        self.assertEqual({name for name, ids in self.found.items() if ids and 'twin' in name.lower()}, set(), self.done)
        for done in self.runs:
            for finding in done.findings():
                self.check('_twin' not in (finding['function'] or ''), done, str(finding['message']))
                self.assertIn(finding['kind'], ('crash', 'exception'), done)

    def test_plan(self):
        """a plan of the corpus runs by itself"""
        plans = sorted(self.corpus.glob('*.yaml'))
        self.check(plans, self.done, 'the corpus is empty')
        twins = [path for path in plans if '_twin(' in path.read_text() and 'fuzzed.b' in path.read_text()]
        self.check(twins, self.done, 'the corpus has no twin')
        done = run(twins[0], '--time', '3')
        self.expect(done, 0)


class Corpus(EndToEnd):
    def test_corrupt(self):
        """a file that is no plan, or names what there is not, is named and left out; the callable of a target is the only one
        that is called"""
        with Run('list', command='list', python=None) as here:
            corpus = here.dir / 'corpus'
        corpus.mkdir()
        (corpus / 'bad.yaml').write_text('steps: [\n')
        os.mkfifo(corpus / 'pipe.yaml')  # a read of it would wait for ever
        (corpus / 'link.yaml').symlink_to(corpus / 'nowhere')
        (corpus / 'name.yaml').write_text('steps: [fuzzed.peek_twin(no_such)]\n')
        (corpus / 'own.yaml').write_text('inputs: [{name: own, recipe: "f8[3]"}]\nsteps: [fuzzed.peek_twin(own)]\n')
        done = fuzz('fuzzed:peek_twin', '--time', '3', '--seed', '1', corpus=corpus)
        self.expect(done, 0)
        self.assertEqual(done.json['fuzz']['unread'], 4, done)
        self.check(any('name.yaml: the name no_such of a call is neither' in note for note in done.json['notes']), done, 'no reason')
        for name in ('bad.yaml', 'pipe.yaml', 'link.yaml', 'name.yaml'):
            self.check(any(name in note for note in done.json['notes']), done, f'{name} is not named')
        self.assertEqual({row['name'] for row in done.json['sweep']['callables']}, {'fuzzed.peek_twin'}, done)
        self.check(done.json['fuzz']['kept'] > 0, done, 'no plan is kept')

    def test_needed(self):
        """a row has the id of a finding that needs its callable, and of none beside which it stood"""
        with Run('list', command='list', python=None) as here:
            corpus = here.dir / 'corpus'
        corpus.mkdir()
        (corpus / 'stays.yaml').write_text(STAYS_PLAN)
        (here.dir / 'stays.py').write_text(STAYS)
        done = fuzz_until(lambda done: callables_of(done)['stay'], 'stays', '--timeout', '1s', seconds=120, corpus=corpus,
                          env={'PYTHONPATH': f"{here.dir}:{BUILD / 'planted'}"})
        self.assertEqual([name for name, ids in callables_of(done).items() if ids], ['stay'], done)

    def test_names(self):
        """a module with the name of an array is called, and the plan that is kept for it runs by itself"""
        with Run('list', command='list', python=None) as here:
            corpus = here.dir / 'corpus'
        (here.dir / 'single.py').write_text('def f(x): return {"f4": 1}[x.dtype.str[1:]]\n')
        env = {'PYTHONPATH': str(here.dir)}
        done = fuzz_until(lambda done: done.json['calls'], 'single', seconds=4, corpus=corpus, env=env)
        self.expect(done, 0)
        plan = next(path for path in corpus.glob('*.yaml') if '- single.f(' in path.read_text())
        self.expect(run(plan, '--time', '2', env=env), 0)

    def test_freed(self):
        """a block that one callable frees while another one reads it is found, in both, and not in their twins"""
        names = ('load', 'look', 'load_twin', 'look_twin')
        done = fuzz_until(lambda done: callables_of(done)['look'], *(f'forms:{name}' for name in names), seconds=25,
                          corpus='corpus')
        rows = callables_of(done)
        self.assertEqual({name for name in names if rows[name]}, {'load', 'look'}, done)
        # A page of a block that is freed for good brings a crash, the consequence of it.
        self.assertLessEqual({f['kind'] for f in done.findings() if not f['cause']},
                             {'use-after-free', 'data-race'}, done)

    def test_methods(self):
        """two methods run at the same time on one object of their class"""
        done = fuzz_until(lambda done: callables_of(done)['Slot.peek'], 'methods:Slot', seconds=15, corpus='corpus')
        rows = callables_of(done)
        self.assertEqual([(name, bool(ids)) for name, ids in sorted(rows.items())],
                         [('Slot', False), ('Slot.hold', True), ('Slot.peek', True)], done)
        for finding in done.findings():
            self.assertEqual(finding['kind'], 'exception', done)
            self.assertIn('object_methods_Slot.hold(', finding['plan']['yaml'], done)
            self.assertIn('object_methods_Slot.peek(', finding['plan']['yaml'], done)

    def test_methods_twin(self):
        """the methods of a sound class bring no finding"""
        done = fuzz_until(lambda done: done.json['calls'], 'methods:SlotTwin', seconds=10, corpus='corpus')
        self.expect(done, 0)
        self.check(done.json['calls'], done, 'threads made no calls')

    def test_in_place(self):
        """a write that stays in other calls of the callable, and is put back in this one, is no finding"""
        with Run('list', command='list', python=None) as here:
            corpus = here.dir / 'corpus'
        corpus.mkdir()
        (corpus / 'a.yaml').write_text('about: numpy.putmask fails F0000000\nsetup: import numpy\ninputs:\n'
                                       "- {name: mat, recipe: 'f8[4,4]'}\nsteps:\n- numpy.putmask(mat, mat, mat)\n")
        done = fuzz_until(lambda done: done.status != 3, 'numpy:putmask', seconds=4, corpus=corpus)
        self.assertEqual(done.findings(), [], done)
        self.expect(done, 0)

    def test_kill(self):
        """two fuzzers share a corpus; kill -9 of one leaves whole plans and the other one running"""
        with Run('fuzzed:hold_twin', '--time', '100', '--corpus', 'corpus', command='fuzz') as first:
            corpus = first.cwd / 'corpus'
            self.check(wait_until(lambda: list(corpus.glob('*.yaml')), 60), first, 'it has no corpus')
            with Run('fuzzed:peek_twin', '--time', '4', '--corpus', str(corpus), command='fuzz') as second:
                os.kill(first.process.pid, signal.SIGKILL)
                first.process.wait()
                done = second.finish(100)
        self.expect(done, 0)
        self.assertEqual(done.json['fuzz']['unread'], 0, done)

    def test_interrupt(self):
        """Ctrl-C ends it with a report, and keeps the corpus"""
        with Run('fuzzed:hold_twin', '--time', '100', '--corpus', 'corpus', command='fuzz') as started:
            self.check(wait_until(lambda: list((started.cwd / 'corpus').glob('*.yaml')), 60), started, 'it has no corpus')
            started.process.send_signal(signal.SIGINT)
            done = started.finish(60)
        self.expect(done, 3)
        self.assertIn('interrupted', done.last_line, done)

    def test_resume(self):
        """after kill -9, merge has the results so far, and the same command goes on with their sums"""
        started = Run('fuzzed:hold_twin', '--time', '100', '--corpus', 'corpus', command='fuzz')
        with started:
            state = started.dir / 'out' / 'sweep' / 'unit-00000.json'
            self.check(wait_until(state.exists, 60), started, 'it writes no state')
            os.kill(started.process.pid, signal.SIGKILL)
            started.process.wait()
            merged = Run(str(started.dir / 'out'), command='merge', python=None).finish(60)
            done = Run('fuzzed:hold_twin', '--time', '2', '--corpus', str(started.cwd / 'corpus'), '--out', str(started.dir / 'out'),
                       command='fuzz').finish(100)
        self.assertEqual([row['name'] for row in merged.json['sweep']['callables']], ['fuzzed.hold_twin'], merged)
        self.expect(done, 0)
        self.check(done.json['sweep']['resumed'], done, 'it does not go on')
        self.check(done.json['serial_calls'] > merged.json['serial_calls'], done, 'the calls do not add up')
        self.check(not state.exists(), done, 'the state stays')

    def test_out(self):
        """two fuzzers do not write to one folder of findings"""
        with Run('fuzzed:hold_twin', '--time', '100', '--corpus', 'corpus', command='fuzz') as first:
            self.check(wait_until((first.dir / 'out' / 'sweep' / 'task.json').exists, 60), first, 'it writes no state')
            second = Run('fuzzed:peek_twin', '--time', '2', '--corpus', 'corpus', '--out', str(first.dir / 'out'),
                         command='fuzz').finish(60)
        self.expect(second, 125)
        self.assertIn('name another folder with --out', second.err, second)

    def test_shards(self):
        """shards have each callable once; merge has those of one run, and unites corpora without a plan that shows nothing"""
        def all_had_turns(done):
            return any((done.cwd / 'corpus').glob('*.yaml')) and not any(row.get('why') for row in done.json['sweep']['callables'])
        runs = [fuzz_until(all_had_turns, 'fuzzed', '--shard', f'{k}/2', seconds=2, corpus='corpus') for k in (1, 2)]
        for done in runs:
            self.check(done.json, done, 'it has no report')
        names = [{row['name'] for row in done.json['sweep']['callables'] if not row.get('why')} for done in runs]
        self.assertFalse(names[0] & names[1], runs)
        folders = [str(folder) for done in runs for folder in (done.dir / 'out', done.cwd / 'corpus')]
        some = min((runs[0].cwd / 'corpus').glob('*.yaml'))
        (some.parent / 'again.yaml').write_text(some.read_text())
        merged = Run(*folders, '--corpus', 'all', command='merge', python=None).finish(60)
        self.assertEqual({row['name'] for row in merged.json['sweep']['callables']}, set().union(*names), merged)
        self.assertEqual({name for one in names for name in one if 'twin' in name},
                         {'fuzzed.backward_twin', 'fuzzed.hold_twin', 'fuzzed.peek_twin'}, merged)
        about = [self.about(done.cwd / 'corpus') for done in runs]
        self.assertEqual(sorted(self.about(merged.cwd / 'all')), sorted({line for lines in about for line in lines}), merged)
        self.assertRegex(merged.err, r'[1-9]\d* show nothing that others do not', merged)

    def test_empty_shard(self):
        """a shard without a callable has a report that says so; merge misses no shard, and the night is clean"""
        def has_calls(done):
            return done.status == 0 or not callables_of(done)
        runs = [fuzz_until(has_calls, 'fuzzed:peek_twin', '--shard', f'{k}/2', seconds=2, corpus='corpus') for k in (1, 2)]
        self.assertEqual(sorted(done.status for done in runs), [0, 3], runs)
        self.check(any('no callable falls into this shard' in done.err for done in runs), runs[0], 'no report names the empty shard')
        self.expect(Run(*(str(done.dir / 'out') for done in runs), command='merge', python=None).finish(60), 0)

    def about(self, corpus):
        """Returns the signals of the plans of a corpus."""
        return [line for path in corpus.glob('*.yaml') for line in path.read_text().splitlines() if line.startswith('about:')]

    def test_raising(self):
        """a night in which each call raised tested nothing"""
        with Run('list', command='list', python=None) as here:
            (here.dir / 'raising.py').write_text('def f(x): raise ValueError\n')
        env = {'PYTHONPATH': str(here.dir)}
        done = self.expect(fuzz('raising', '--time', '3', corpus='corpus', env=env), 3)
        self.assertIn('no call returned', done.last_line, done)
        self.assertIn('could not test: no call returned', done.out, done)

    def test_usage(self):
        """a target with arguments, or one that does not exist, is a wrong command line"""
        for target, says in {'fuzzed:peek(3)': "'fuzzed:peek(3)' has arguments", 'fuzzed:nothing': 'the module fuzzed has no nothing',
                             'no_such': 'there is no module no_such', 'fuzzed.nothing': 'there is no module fuzzed.nothing',
                             'numpy:absolute': 'numpy:absolute is the callable numpy.abs'}.items():
            self.assertIn(says, self.expect(fuzz(target, corpus='corpus'), 2).err)

    def test_no_callable(self):
        """a target that cannot be called, or imported, is named with the reason"""
        with Run('list', command='list', python=None) as here:
            (here.dir / 'broken.py').write_text('raise ValueError("not now")\n')
        env = {'PYTHONPATH': str(here.dir)}
        self.assertIn('cannot import broken: ValueError: not now', self.expect(fuzz('broken', corpus='corpus', env=env), 3).err)
        self.assertIn('numpy.test: denied: it runs a test suite', self.expect(fuzz('numpy:test', corpus='corpus'), 3).err)


class Nights(EndToEnd):
    def night(self, python, here):
        options = ('--time', '12', '--seed', '3', '--corpus', str(here / 'corpus'), '--baseline', str(here / 'b.yaml'))
        return Run('numpy:repeat', *options, '--update-baseline', command='fuzz', python=python).finish(200)

    def test_baseline(self):
        """a finding is NEW on the first night, KNOWN on the second, FIXED in a fixed release, and REGRESSED when it is back"""
        with Run('list', command='list', python=None) as place:
            here = place.dir
        states = []
        for python, status in ((BROKEN, 1), (BROKEN, 0), (GOOD, 0), (BROKEN, 1)):
            done = self.night(python, here)
            self.expect(done, status)
            states.append([f['state'] for f in done.findings()] or [k['now'] for k in done.json['known']])
        self.assertEqual(states, [['new'], ['known'], ['fixed'], ['regressed']])


if __name__ == '__main__':
    unittest.main()
