/* The function that a statement calls, from its text and the imports of the setup: np.repeat is numpy.repeat.
 * Driver. */
#pragma once

/* "numpy.repeat" of `a = np.repeat(x, 2)[::2]` with `import numpy as np`. The caller's; NULL when there is no call. */
char *callable_of(const char *statement, const char *setup);
