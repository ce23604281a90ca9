/* Which function a statement calls, by its text and the imports of the setup: np.repeat is numpy.repeat. Driver. */
#pragma once

/* `a = np.repeat(x, 2)[::2]` with `import numpy as np` to "numpy.repeat". The caller's; NULL when the statement is no
 * such call. */
char *callable_of(const char *statement, const char *setup);
