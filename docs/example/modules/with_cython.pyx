# cython: language_level=3, freethreading_compatible=True
"""A class of Cython that keeps a mean: Mean, and LockedMean with a critical section."""
cimport cython


cdef class Mean:
    cdef double total
    cdef long count

    def add(self, double x):
        self.total += x
        self.count += 1
        return self.total / self.count


cdef class LockedMean(Mean):
    def add(self, double x):
        with cython.critical_section(self):
            self.total += x
            self.count += 1
            return self.total / self.count
