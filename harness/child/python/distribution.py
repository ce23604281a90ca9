"""The distributions that own the files of modules, for distribution.c. Runs in the interpreter of the target."""
import sys

known = {}


def files():
    import os
    found = {}
    with open('/proc/self/maps') as maps:
        for line in maps:
            path = line[line.find('/'):].strip() if '/' in line else ''
            if '.so' in os.path.basename(path):
                found.setdefault(path, '')
    for name, module in list(sys.modules.items()):
        path = getattr(module, '__file__', None)
        if isinstance(path, str) and ('.' not in name or path in found or os.path.realpath(path) in found):
            found[path] = name
    stdlib = os.path.dirname(os.__file__)
    in_venv = os.path.join(sys.exec_prefix, sys.platlibdir, os.path.basename(stdlib))
    own = stdlib + os.sep, in_venv + os.sep
    packages = os.sep + 'site-packages' + os.sep, os.sep + 'dist-packages' + os.sep
    return {path: name for path, name in found.items() if path not in known and os.path.isabs(path)
            and (any(part in path for part in packages) or name and not path.startswith(own))}


def distributions():
    """The folders of the installed distributions, in the order of sys.path, which importlib.metadata finds, too, after a
    long import."""
    import os
    for base in sys.path:
        try:
            names = os.listdir(base or '.')
        except OSError:
            continue
        yield from (os.path.join(base, name) for name in names if name.endswith('.dist-info'))


def text_of(*parts):
    import os
    try:
        with open(os.path.join(*parts), encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''


def named(folder):
    """Returns name and version: the first lines of METADATA with these keys."""
    head = text_of(folder, 'METADATA').split('\n\n', 1)[0].splitlines()
    fields = dict(line.split(': ', 1) for line in reversed(head) if ': ' in line)
    return f"{fields.get('Name')} {fields.get('Version')}"


def owners(paths):
    """Look up each file in the RECORD of the distributions.

    A file of an editable installation belongs to the distribution with its folder in direct_url.json, the innermost
    one where folders nest. Of several owners the first on sys.path wins, from which modules are imported too.
    """
    import os
    found, folders = {}, []
    for owner in distributions():
        base = os.path.join(os.path.dirname(owner), '')
        places = {base, os.path.join(os.path.realpath(base), '')}
        inside = {path: at for at in places for path in paths if path not in found and path.startswith(at)}
        record = {line.partition(',')[0] for line in text_of(owner, 'RECORD').split('\n')} if inside else ()
        for path, at in inside.items():
            if path[len(at):] in record:
                found[path] = owner
        folder = editable(text_of(owner, 'direct_url.json'))
        if folder:
            folders.append((os.path.join(os.path.realpath(folder), ''), owner))
    for folder, owner in sorted(folders, key=lambda pair: -len(pair[0])):
        for path in paths:
            if path not in found and os.path.realpath(path).startswith(folder):
                found[path] = owner
    names = {owner: named(owner) for owner in set(found.values())}
    return {path: names[owner] for path, owner in found.items()}


def editable(text):
    if not text:
        return None
    import json, urllib.parse
    url = json.loads(text)
    place = urllib.parse.urlparse(url.get('url', ''))
    served = place.scheme == 'file' and url.get('dir_info', {}).get('editable')
    return urllib.parse.unquote(place.path) if served else None


def version(path, name, owner):
    if '.so' not in path:
        return ''
    if ' ' in owner:
        return '='.join(owner.rsplit(' ', 1))
    # A module without a distribution may have __version__.
    top = name.partition('.')[0]
    own = getattr(sys.modules.get(top), '__version__', None)
    return f'{top}={own}' if isinstance(own, str) else ''


def new():
    paths = files()
    known.update(paths)
    try:
        owned = owners(paths) if any('.so' in path for path in paths) else {}
    except Exception:
        owned = {}
    rows = [(path, name, owned.get(path, '')) for path, name in paths.items()]
    return [(*row, version(*row)) for row in rows]
