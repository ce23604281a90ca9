"""The distributions that own the files of modules, for distribution.c. Runs in the interpreter of the target."""
import sys

known = {}


def files():
    import os, sysconfig
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
    own = tuple(sysconfig.get_path(key) + os.sep for key in ('stdlib', 'platstdlib'))
    packages = os.sep + 'site-packages' + os.sep, os.sep + 'dist-packages' + os.sep
    return {path: name for path, name in found.items() if path not in known and os.path.isabs(path)
            and (any(part in path for part in packages) or name and not path.startswith(own))}


def owners(paths):
    """Look up each file in the RECORD of the distributions.

    A file of an editable installation belongs to the distribution with its folder in direct_url.json, the innermost
    one where folders nest. Of several owners the first on sys.path wins, from which modules are imported too.
    """
    import os
    from importlib import metadata
    found, folders = {}, []
    for owner in metadata.distributions():
        record = {line.partition(',')[0] for line in (owner.read_text('RECORD') or '').split('\n')}
        base = os.path.join(str(owner.locate_file('')), '')
        for at in {base, os.path.join(os.path.realpath(base), '')}:
            for path in paths:
                if path not in found and path.startswith(at) and path[len(at):] in record:
                    found[path] = owner
        folder = editable(owner.read_text('direct_url.json'))
        if folder:
            folders.append((os.path.join(os.path.realpath(folder), ''), owner))
    for folder, owner in sorted(folders, key=lambda pair: -len(pair[0])):
        for path in paths:
            if path not in found and os.path.realpath(path).startswith(folder):
                found[path] = owner
    distinct = {id(owner): owner for owner in found.values()}
    names = {key: f'{owner.name} {owner.version}' for key, owner in distinct.items()}
    return {path: names[id(owner)] for path, owner in found.items()}


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
