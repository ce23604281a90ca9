#!/usr/bin/env bash
# Soaks healthy statements under all detectors, also those that count, and fails if one brings a finding or cannot be
# tested. Makes the set-up `healthy` if it is missing.
# usage: scripts/healthy.sh [-m MINUTES] [NAME...]     MINUTES in all (30); only rows that begin with a NAME
. "$(dirname "$0")/setup/lib.sh"

# shapely is not among them: libgeos counts the references of its default factory without atomic operations.
# name | setup, with || between two lines | statement | environment
table='
numpy-add         | import numpy as np; x = np.arange(40.)[::2]; y = np.arange(20.) | x + y |
numpy-astype      | import numpy as np; x = np.arange(60, dtype=">i4")[::3] | x.astype("f8") |
numpy-matmul      | import numpy as np; m = np.arange(4096.).reshape(64, 64) | m @ m.T |
numpy-sort        | import numpy as np; x = np.arange(500.)[::-1] | np.sort(x), np.unique(x), np.searchsorted(x[::-1], 7) |
numpy-structured  | import numpy as np; r = np.zeros(9, dtype=[("a", "f8"), ("b", "O")]) | r["a"].sum(), r["b"].tolist(), r.copy() |
numpy-strings     | import numpy as np; s = np.array(["one", "two", "three"], dtype=np.dtypes.StringDType()) | np.strings.upper(s), s + s |
numpy-linalg      | import numpy as np; m = np.eye(8) + np.arange(64.).reshape(8, 8) / 99 | np.linalg.inv(m), np.linalg.eigvals(m), np.linalg.norm(m) |
numpy-own-rng     | import numpy as np | np.random.default_rng(7).normal(size=30).sum() |
scipy-fft         | import numpy as np, scipy.fft as f; x = np.arange(64.) | f.ifft(f.fft(x)).real, f.dct(x) |
scipy-sparse      | import numpy as np, scipy.sparse as ss; a = ss.csr_array(np.eye(20)) | a @ a, a.T.tocsr(), a.sum() |
scipy-special     | import numpy as np, scipy.special as sp; x = np.linspace(.1, 5, 50) | sp.gamma(x), sp.jv(1.5, x), sp.erf(x) |
scipy-linalg      | import numpy as np, scipy.linalg as la; m = np.eye(9) * 3 + np.ones((9, 9)) | la.cholesky(m), la.lu(m), la.expm(m / 9) |
scipy-stats       | import numpy as np, scipy.stats as st; x = np.arange(30.) % 7 | st.rankdata(x), st.skew(x), st.kendalltau(x, x[::-1]) |
scipy-spatial     | import numpy as np, scipy.spatial as sp; p = np.random.default_rng(1).random((40, 2)); t = sp.cKDTree(p) | t.query(p, k=3), sp.distance.pdist(p) |
json              | import json; d = {"a": [1, 2.5, None, "x"], "b": {"c": True}} | json.loads(json.dumps(d)) |
regular           | import re; p = re.compile(r"(\w+)-(\d+)"); s = "ab-12 cd-345 " * 8 | p.findall(s), p.sub(r"\2", s), re.split(r"\s+", s) |
decimal           | from decimal import Decimal, getcontext; a = Decimal("1.1") | (a * 3).sqrt(), a ** 5, round(a, 3), str(a) |
datetime          | import datetime as d; t = d.datetime(2026, 1, 2, 3, 4, tzinfo=d.timezone.utc) | t.isoformat(), t + d.timedelta(hours=5), t.strftime("%A %d"), d.datetime.fromisoformat("2026-02-03T04:05") |
collections       | import collections as c, functools as f; x = list(range(60)) | c.Counter(x).most_common(3), c.OrderedDict.fromkeys(x), f.reduce(int.__add__, x), sorted(x, key=lambda v: -v) |
compression       | import zlib, hashlib, struct, base64; b = bytes(range(256)) * 9 | zlib.decompress(zlib.compress(b)), hashlib.sha256(b).digest(), base64.b64encode(b), struct.unpack("<64I", b[:256]) |
pickle            | import pickle, copy; d = {i: [str(i), (i, i / 3)] for i in range(20)} | pickle.loads(pickle.dumps(d)), copy.deepcopy(d) |
text              | import csv, io, textwrap, difflib; t = "a,b\n1,2\n" * 9 | list(csv.reader(io.StringIO(t))), textwrap.wrap(t, 20), difflib.SequenceMatcher(None, t, t[3:]).ratio() |
kiwisolver        | import kiwisolver as k \|\| def solve(): \|\|  x, s = k.Variable("x"), k.Solver(); s.addConstraint(x >= 3); s.updateVariables(); return x.value() | solve() |
regex             | import regex; p = regex.compile(r"(?<w>\w+)-(?<n>\d+)"); s = "ab-12 cd-345 " * 8 | p.findall(s), p.sub(r"\g<n>", s) |
pillow            | from PIL import Image; im = Image.frombytes("L", (16, 16), bytes(range(256))) | im.resize((9, 9)).tobytes(), im.rotate(33).getbbox(), im.convert("RGB").tobytes() |
pandas            | import numpy as np, pandas as pd; d = pd.DataFrame({"k": np.arange(60) % 7, "v": np.arange(60.)}) | d.groupby("k")["v"].sum(), d.sort_values("v").iloc[3], pd.to_datetime(["2026-01-02"]) | PYTHON_GIL=0
markupsafe        | from markupsafe import escape | escape("<a href=\"x\">&</a>") |
rpds              | import rpds; m = rpds.HashTrieMap({"a": 1, "b": 2}) | m.insert("c", 3).get("c"), m.remove("a"), rpds.List([1, 2]).push_front(0) |
xxhash            | import xxhash | xxhash.xxh64(b"abc" * 30).hexdigest(), xxhash.xxh3_128_digest(b"abc") |
simplejson        | import simplejson as j; d = {"a": [1, 2.5, None, "x"], "b": {"c": True}} | j.loads(j.dumps(d)), j.dumps(d, sort_keys=True) |
lz4               | import lz4.block as z; b = bytes(range(256)) * 9 | z.decompress(z.compress(b)) |
'

minutes=30
[ "${1:-}" != -m ] || { minutes=${2:?-m needs the number of minutes}; shift 2; }
wanted=("$@")
out=$build/healthy
mkdir -p "$out"
[ -e "$build/venvs/healthy" ] || scripts/setup/with.sh healthy

is_wanted() {
    local name
    [ ${#wanted[@]} -gt 0 ] || return 0
    for name in "${wanted[@]}"; do
        [[ $1 != "$name"* ]] || return 0
    done
    return 1
}

# Prints the wanted rows, with two escaped bars read as the end of a line.
rows() {
    local name rest
    while IFS='|' read -r name rest; do
        read -r name <<<"$name"
        [ -z "$name" ] || ! is_wanted "$name" || printf '%s|%s\n' "$name" "$rest"
    done <<<"${table//'\|\|'/$'\x1f'}"
}

# figures JSON: prints the findings, the calls and the members without a turn of one report.
figures() {
    "$build/venvs/healthy/bin/python" -I - "$1" <<'END' || printf 'no report\n'
import json, sys
report = json.load(open(sys.argv[1]))
print(f"{len(report['findings']):<9} {report['calls']:<10} {report['serial_calls']:<10} {' '.join(report['no_turn'])}")
END
}

failed=0 count=$(rows | wc -l)
[ "$count" -gt 0 ] || die "no row begins with: ${wanted[*]}"
seconds=$((minutes * 60 / count))
printf '%-18s %-8s %-9s %-10s %-10s %s\n' statement status findings calls 'serial' 'no turn'
while IFS='|' read -r name setup statement environment; do
    status=0 log=$out/$name
    read -r environment <<<"$environment"
    env ${environment:+"$environment"} build/bin/ftstress run -p "$build/venvs/healthy" --detect all --time "$seconds" \
        --out "$out/kept" --json "$log.json" \
        -s "$(tr '\037' '\n' <<<"$setup" | sed 's/^ //')" "$(sed 's/^ *//; s/ *$//' <<<"$statement")" >"$log.txt" 2>&1 ||
        status=$?
    printf '%-18s %-8s %s\n' "$name" "$status" "$(figures "$log.json")"
    [ "$status" -eq 0 ] || failed=1
done < <(rows)
say "build/healthy has the report of each statement"
exit $failed
