#!/bin/sh
# Makes the screen's two faces from Debian's fonts-noto-cjk: ASCII, Latin-1, JIS X 0208,
# the IBM and NEC extensions that names need, and the symbols that the texts use.
# Needs fonttools and python3-brotli. The result is committed; this is how to make it again.
set -eu
cd "$(dirname "$0")/../src/fonts"
src=/usr/share/fonts/opentype/noto
python=${PYTHON:-/usr/bin/python3}
list=$(mktemp)
trap 'rm -f "$list"' EXIT

"$python" - >"$list" <<'PY'
chars = set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
for hi in range(0x81, 0xFD):
    for lo in range(0x40, 0xFD):
        try:
            chars.add(ord(bytes([hi, lo]).decode("cp932")))
        except (UnicodeDecodeError, TypeError):
            pass
chars |= set(range(0x2010, 0x2027)) | set(range(0x3000, 0x3100)) | set(range(0xFF01, 0xFFA0))
chars |= {ord(c) for c in "〜−‖—–•…‹›€™←↑→↓■□▲△▼▽○●◎★☆✓"}
print("\n".join(f"U+{c:04X}" for c in sorted(chars) if not 0xE000 <= c < 0xF900))
PY

for weight in Regular Bold; do
	"$python" -m fontTools.subset "$src/NotoSansCJK-$weight.ttc" --font-number=0 --unicodes-file="$list" \
		--layout-features=kern,palt,halt,tnum,lnum,locl,ccmp,mark,mkmk --no-hinting --desubroutinize \
		--drop-tables+=vhea,vmtx,VORG --name-IDs=1,2,13,14 --flavor=woff2 \
		--output-file="noto-sans-jp-$(echo "$weight" | tr A-Z a-z).woff2"
done
