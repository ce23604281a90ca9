/* What users do when a part of ftstress is missing. An ftstress that pip installed has no source tree, so that its
 * messages name none of the tree's files. Literals, some with a %s for an interpreter. */
#pragma once

#ifdef FTSTRESS_INSTALLED
#define REMEDY_BUILD "install ftstress again with pip"
#define REMEDY_REBUILD REMEDY_BUILD
#define REMEDY_ABI "install ftstress into a venv of %s, and run that ftstress"
#define REMEDY_GIL "install ftstress into a venv of a free-threaded interpreter"
#define REMEDY_TSAN "pip does not install it: build ftstress for ThreadSanitizer in its source tree"
#define REMEDY_TSAN_REBUILD REMEDY_TSAN
#define REMEDY_BARE "build it with clang -fsanitize=thread"
#define REMEDY_NEEDS_TSAN "a build of ftstress in its source tree, and -p with an environment built there"
#else
#define REMEDY_BUILD "build it with scripts/setup.sh"
#define REMEDY_REBUILD "build it anew with scripts/setup.sh"
#define REMEDY_ABI "build a child for it with: FTSTRESS_PYTHON=%s scripts/setup.sh"
#define REMEDY_GIL "build one for a free-threaded interpreter with FTSTRESS_PYTHON=… scripts/setup.sh"
#define REMEDY_TSAN "make one with scripts/setup.sh --with tsan"
#define REMEDY_TSAN_REBUILD "remove build/child-tsan and run scripts/setup.sh --with tsan again"
#define REMEDY_BARE "build it with clang -fsanitize=thread, as scripts/setup/tsan.sh builds NumPy"
#define REMEDY_NEEDS_TSAN "scripts/setup.sh --with tsan, and -p with an environment built by it"
#endif
