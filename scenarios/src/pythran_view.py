"""Compiled by Pythran for the scenario pythran-view: one function returns a view, the other a copy."""
import numpy as np


# pythran export view(float64[:,:], int, int)
def view(correl, iy, ix):
    return correl[iy - 1:iy + 2, ix - 1:ix + 2]


# pythran export copy(float64[:,:], int, int)
def copy(correl, iy, ix):
    return np.ascontiguousarray(correl[iy - 1:iy + 2, ix - 1:ix + 2])
