/* Which distribution a module's file belongs to: importlib.metadata knows, whatever the module is called. Child main,
 * attached. */
#pragma once

/* A record for each extension module and other library that is mapped, and for each top-level module, that does not
 * belong to the interpreter: path, import name, distribution with its version. Only what is new since the last time;
 * costs nothing where nothing is. */
void distribution_send(int wire);
