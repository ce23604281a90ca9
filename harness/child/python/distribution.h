/* Finds the distribution that owns a module's file, with importlib.metadata. Child main, attached. */
#pragma once

/* Sends a record for each mapped library and each top-level module that does not belong to the interpreter: path,
 * import name, and distribution with its version. Sends only what is new since the last call. */
void distribution_send(int wire);
