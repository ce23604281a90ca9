"""A hang that needs no limit of time: no thread can run again. Calls that end later, however they wait, are no hang."""
import unittest

from harness import TAKE_LOCKS, EndToEnd, each, run

PROOF = 'no thread can wake another: '
MUTEXES = ('-s', 'import hang_lock_order as m', 'm.bug(thread_index)')
LOCKS = ('-s', TAKE_LOCKS, '-t', 4, '--role', 'take(a, b)', '--role', 'take(b, a)')
ATTACHED = ('-s', 'import hang_attached as m\ndef make(): return [[i] for i in range(200)]', '--perturb', 'collect', 'm.bug(make)')
PARKED = ('-s', 'import narrow; bank = narrow.Bank()', 'bank.lock_order(iteration_index)')

# Each call waits in a lock without a time limit, until something that is slow releases it.
WAIT = '''
import multiprocessing, select, subprocess, sys, threading, time
def wait(release, lock=None, start=threading.Thread):
    lock = lock or threading.Lock()
    lock.acquire()
    other = start(target=release, args=(lock,))
    other.start()
    lock.acquire()
    lock.release()
    other.join()
def nap(lock):
    time.sleep(1)
    lock.release()
def poll(lock):
    select.select([], [], [], 1)
    lock.release()
def run(lock):
    subprocess.run(['sleep', '1'])
    lock.release()
def look(lock):
    never = threading.Event()
    for _ in range(200):
        never.wait(0.005)
    lock.release()
'''


class Bug(EndToEnd):
    @each([('mutexes', *MUTEXES), ('locks', *LOCKS), ('attached', *ATTACHED), ('parked', *PARKED)])
    def test(self, _, *statement):
        """threads that wait for each other are found, however long --timeout is"""
        for _ in range(4):
            done = run('--time', 10, '--timeout', '10m', '--detect', 'hang', '--stop-on-first', *statement)
            if done.status == 1:
                break
        self.expect(done, 1)
        hang = done.findings(kind='hang')[0]
        self.check(PROOF in done.out, done, 'no proof')
        self.assertIn('a deadlock', hang['message'], done)

    def test_handler(self):
        """a process with a handler of a signal has the time of --timeout, because the handler could release the lock"""
        for _ in range(4):
            done = run('--time', 10, '--timeout', '2s', '--detect', 'hang', '--stop-on-first', '-s',
                       'import signal; signal.signal(signal.SIGALRM, lambda *_: None)', *MUTEXES)
            if done.status == 1:
                break
        self.expect(done, 1)
        self.check(done.findings(kind='hang') and PROOF not in done.out, done, 'a proof')


class Twin(EndToEnd):
    @each([('nap', 'wait(nap)'), ('poll', 'wait(poll)'), ('child', 'wait(run)'), ('look', 'wait(look)'),
           ('forked', "c = multiprocessing.get_context('fork'); wait(nap, c.Lock(), c.Process)"),
           ('python', "subprocess.run(['sleep', '1'])")])
    def test(self, _, statement):
        """a lock that something slow releases, and a wait for another process, are no hang"""
        done = run('-s', WAIT, '-t', 2, '--time', 8, '--detect', 'hang,crash', statement)
        self.check(not done.findings(kind='hang'), done, 'a hang')
        self.expect(done, 0)

    def test_finalizer(self):
        """a lock that a collection releases is no hang"""
        setup = WAIT + '''
class Keeper:
    def __init__(self, lock): self.lock, self.own = lock, self
    def __del__(self): nap(self.lock)
def drop():
    lock = threading.Lock()
    lock.acquire()
    if len(sys._current_frames()) > 1:
        Keeper(lock)
        lock.acquire()
'''
        # The last round may end without a collection, and the next one may take seconds: only the proof is looked at.
        done = run('-s', setup, '-t', 2, '--time', 8, '--timeout', '15', '--perturb', 'collect', '--detect', 'hang,crash', 'drop()',
                   timeout=200)
        self.assertNotIn(PROOF, done.out, done)


if __name__ == '__main__':
    unittest.main()
