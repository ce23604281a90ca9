"""The races of the module `narrow`: what a run needs to find each, and what a right finding names."""
from typing import NamedTuple


class Race(NamedTuple):
    name: str       # of the race
    setup: str      # makes what the threads share
    statement: str  # the threads run it; iteration_index and thread_index are those of ftstress
    function: str   # the guilty one, in C and in Python
    kinds: tuple    # of findings that are right
    once: bool = False  # the window is open only in the first calls of a process or an instance

    @property
    def twin(self):
        """Returns the same with the clean twin's statement."""
        return self._replace(statement=self.statement.replace(f'{self.function}(', f'{self.function}_twin('))


WRONG = ('wrong-result', 'data-race')
MEMORY = ('crash', 'use-after-free', 'double-free', 'heap-corruption')
RACES = [
    Race('order violation', 'import narrow', 'narrow.order_violation(7)', 'order_violation', WRONG),
    Race('lost update', 'import narrow', 'narrow.lost_update(7)', 'lost_update', ('data-race',)),
    Race('check-then-act', 'import narrow; pool = narrow.Pool()', 'pool.check_then_act(iteration_index)',
         'check_then_act', WRONG),
    Race('ABA', 'import narrow; stack = narrow.Stack()', 'stack.aba(iteration_index)', 'aba', WRONG),
    Race('lazy initialisation', 'import narrow; filter = narrow.Filter()', 'filter.lazy_initialisation(7)',
         'lazy_initialisation', WRONG, once=True),
    Race('publication before filling', 'import narrow; box = narrow.Box()', 'box.publication(7)', 'publication',
         ('exception', *WRONG, *MEMORY)),
    Race('lock-order inversion', 'import narrow; bank = narrow.Bank()', 'bank.lock_order(iteration_index)',
         'lock_order', ('hang',)),
    Race('double-checked locking', 'import narrow', 'narrow.double_checked(7)', 'double_checked', WRONG, once=True),
    Race('reference count', 'import narrow; holder = narrow.Holder()', 'holder.reference_count(7)', 'reference_count',
         (*WRONG, *MEMORY)),
    Race('torn pair', 'import narrow; pair = narrow.Pair()', 'pair.torn_pair(iteration_index)', 'torn_pair', WRONG),
]
