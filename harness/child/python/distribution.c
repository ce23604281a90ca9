#include "child/python/distribution.h"

#include <Python.h>

#include <stdio.h>
#include <string.h>

#include "child/python/interp.h"
#include "core/wire/record.h"

/* Looks up each file in the RECORD of the distributions. A file of an editable installation belongs to the distribution
 * with its folder in direct_url.json, the innermost one where folders nest. Of several owners the first on sys.path
 * wins, from which modules are imported too. */
static const char source[] =
    "def files(known):\n"
    "    import os, sys, sysconfig\n"
    "    found = {}\n"
    "    with open('/proc/self/maps') as maps:\n"
    "        for line in maps:\n"
    "            path = line[line.find('/'):].strip() if '/' in line else ''\n"
    "            if '.so' in os.path.basename(path):\n"
    "                found.setdefault(path, '')\n"
    "    for name, module in list(sys.modules.items()):\n"
    "        path = getattr(module, '__file__', None)\n"
    "        if isinstance(path, str) and ('.' not in name or path in found or os.path.realpath(path) in found):\n"
    "            found[path] = name\n"
    "    own = tuple(sysconfig.get_path(key) + os.sep for key in ('stdlib', 'platstdlib'))\n"
    "    packages = os.sep + 'site-packages' + os.sep, os.sep + 'dist-packages' + os.sep\n"
    "    return {path: name for path, name in found.items() if path not in known and os.path.isabs(path)\n"
    "            and (any(part in path for part in packages) or name and not path.startswith(own))}\n"
    "\n"
    "def owners(paths):\n"
    "    import os\n"
    "    from importlib import metadata\n"
    "    found, folders = {}, []\n"
    "    for owner in metadata.distributions():\n"
    "        record = {line.partition(',')[0] for line in (owner.read_text('RECORD') or '').split('\\n')}\n"
    "        base = os.path.join(str(owner.locate_file('')), '')\n"
    "        for at in {base, os.path.join(os.path.realpath(base), '')}:\n"
    "            for path in paths:\n"
    "                if path not in found and path.startswith(at) and path[len(at):] in record:\n"
    "                    found[path] = owner\n"
    "        folder = editable(owner.read_text('direct_url.json'))\n"
    "        if folder:\n"
    "            folders.append((os.path.join(os.path.realpath(folder), ''), owner))\n"
    "    for folder, owner in sorted(folders, key=lambda pair: -len(pair[0])):\n"
    "        for path in paths:\n"
    "            if path not in found and os.path.realpath(path).startswith(folder):\n"
    "                found[path] = owner\n"
    "    distinct = {id(owner): owner for owner in found.values()}\n"
    "    names = {key: f'{owner.name} {owner.version}' for key, owner in distinct.items()}\n"
    "    return {path: names[id(owner)] for path, owner in found.items()}\n"
    "\n"
    "def editable(text):\n"
    "    if not text:\n"
    "        return None\n"
    "    import json, urllib.parse\n"
    "    url = json.loads(text)\n"
    "    place = urllib.parse.urlparse(url.get('url', ''))\n"
    "    served = place.scheme == 'file' and url.get('dir_info', {}).get('editable')\n"
    "    return urllib.parse.unquote(place.path) if served else None\n"
    "\n"
    "def new(known):\n"
    "    paths = files(known)\n"
    "    known.update(paths)\n"
    "    try:\n"
    "        owned = owners(paths) if any('.so' in path for path in paths) else {}\n"
    "    except Exception:\n"
    "        owned = {}\n"
    "    return [(path, name, owned.get(path, '')) for path, name in paths.items()]\n";

/* A module without a distribution may have __version__. */
static void send_own_version(int wire, const char *module_name)
{
    char text[256], top[128];
    snprintf(top, sizeof top, "%.*s", (int)strcspn(module_name, "."), module_name);
    PyObject *module = PyImport_ImportModule(top);
    PyObject *version = module ? PyObject_GetAttrString(module, "__version__") : NULL;
    if (version && PyUnicode_Check(version)) {
        snprintf(text, sizeof text, "%s=%s", top, PyUnicode_AsUTF8(version));
        interp_send_version(wire, text);
    }
    PyErr_Clear();
    Py_XDECREF(version);
    Py_XDECREF(module);
}

/* "numpy 2.2.2" is sent as "numpy=2.2.2". */
static void send_version(int wire, const char *owner, const char *module_name)
{
    char text[256];
    const char *blank = strrchr(owner, ' ');
    if (!blank && *module_name) {
        send_own_version(wire, module_name);
        return;
    }
    snprintf(text, sizeof text, "%.*s=%s", (int)(blank ? blank - owner : 0), owner, blank ? blank + 1 : "");
    if (blank)
        interp_send_version(wire, text);
}

static void send_file(int wire, PyObject *row)
{
    const char *path, *name, *owner;
    struct record record;
    if (!PyArg_ParseTuple(row, "sss", &path, &name, &owner))
        return;
    record_begin(&record, RECORD_PACKAGE, RECORD_MAIN);
    record_add_text(&record, path);
    record_add_text(&record, name);
    record_add_text(&record, owner);
    record_send(&record, wire);
    if (strstr(path, ".so"))
        send_version(wire, owner, name);
}

/* Returns the namespace of the functions above. It lives until Python ends, with the set of known files. */
static PyObject *names_of(void)
{
    static PyObject *names;
    if (names)
        return names;
    PyObject *made = PyDict_New(), *known = PyDict_New(), *result = NULL;
    if (made && known && PyDict_SetItemString(made, "__builtins__", PyEval_GetBuiltins()) == 0 &&
        PyDict_SetItemString(made, "known", known) == 0)
        result = PyRun_String(source, Py_file_input, made, made);
    Py_XDECREF(known);
    if (result)
        names = made;
    else
        Py_XDECREF(made);
    Py_XDECREF(result);
    return names;
}

void distribution_send(int wire)
{
    PyObject *names = names_of();
    PyObject *rows = names ? PyRun_String("new(known)", Py_eval_input, names, names) : NULL;
    for (Py_ssize_t i = 0; rows && i < PyList_GET_SIZE(rows); i++)
        send_file(wire, PyList_GET_ITEM(rows, i));
    PyErr_Clear();
    Py_XDECREF(rows);
}
