#include "child/python/distribution.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "child/python/interp.h"

/* Looks up each file in the RECORD of the distributions. A file of an editable installation belongs to the distribution
 * with its folder in direct_url.json, the innermost one where folders nest. Of several owners the first on sys.path
 * wins, from which modules are imported too. A module without a distribution may have a __version__. */
static const char source[] =
    "import sys\n"
    "known = {}\n"
    "\n"
    "def files(known):\n"
    "    import os, sysconfig\n"
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
    "def version(path, name, owner):\n"
    "    if '.so' not in path:\n"
    "        return ''\n"
    "    if ' ' in owner:\n"
    "        return '='.join(owner.rsplit(' ', 1))\n"
    "    top = name.partition('.')[0]\n"
    "    own = getattr(sys.modules.get(top), '__version__', None)\n"
    "    return f'{top}={own}' if isinstance(own, str) else ''\n"
    "\n"
    "def new():\n"
    "    paths = files(known)\n"
    "    known.update(paths)\n"
    "    try:\n"
    "        owned = owners(paths) if any('.so' in path for path in paths) else {}\n"
    "    except Exception:\n"
    "        owned = {}\n"
    "    rows = [(path, name, owned.get(path, '')) for path, name in paths.items()]\n"
    "    return [(*row, version(*row)) for row in rows]\n";

static void send_file(int wire, PyObject *row)
{
    const char *path, *name, *owner, *version;
    if (!PyArg_ParseTuple(row, "ssss", &path, &name, &owner, &version))
        return;
    RECORD_SEND(wire, RECORD_PACKAGE, .texts = {path, name, owner});
    if (*version)
        interp_send_version(wire, version);
}

/* Returns the namespace of the functions above. It lives until Python ends. */
static PyObject *names_of(void)
{
    static PyObject *names;
    if (names)
        return names;
    names = PyDict_New();
    PyObject *result = names ? PyRun_String(source, Py_file_input, names, names) : NULL;
    if (!result)
        Py_CLEAR(names);
    Py_XDECREF(result);
    return names;
}

void distribution_send(int wire)
{
    PyObject *names = names_of();
    PyObject *rows = names ? PyRun_String("new()", Py_eval_input, names, names) : NULL;
    for (Py_ssize_t i = 0; rows && i < PyList_GET_SIZE(rows); i++)
        send_file(wire, PyList_GET_ITEM(rows, i));
    PyErr_Clear();
    Py_XDECREF(rows);
}
