"""What Pythran compiles for the scenario pythran-view: a view as the result, and a copy of it."""
import numpy as np


# pythran export view(float64[:,:], int, int)
def view(correl, iy, ix):
    return correl[iy - 1:iy + 2, ix - 1:ix + 2]


# pythran export copy(float64[:,:], int, int)
def copy(correl, iy, ix):
    return np.ascontiguousarray(correl[iy - 1:iy + 2, ix - 1:ix + 2])
