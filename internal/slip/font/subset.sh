#!/bin/sh
# Makes the two faces of the slip from Debian's fonts-noto-cjk (SIL OFL 1.1).
# Needs: fonttools (pyftsubset), python3, fonts-noto-cjk. Run it in this folder.
#
# The subset is what a Japanese slip can hold: JIS X 0208 with the NEC and IBM
# extensions (that is CP932), ASCII, Latin-1, general punctuation and the marks
# of the layout. Layout features and hints are dropped: the renderer uses none.
set -eu
from=${1:-/usr/share/fonts/opentype/noto}
list=$(mktemp)
trap 'rm -f "$list"' EXIT

python3 - >"$list" <<'PY'
found = set(range(0x20, 0x7F)) | set(range(0xA0, 0x100))
found |= set(range(0x2010, 0x2028)) | set(range(0x2030, 0x203F)) | {0x20AC, 0x2122, 0x301C, 0x2212, 0x2702}
leads = [*range(0x81, 0xA0), *range(0xE0, 0xFD)]
for lead in leads:
    for trail in range(0x40, 0xFD):
        try:
            found.add(ord(bytes([lead, trail]).decode("cp932")))
        except (UnicodeDecodeError, TypeError):
            pass
print("\n".join("U+%04X" % c for c in sorted(found) if not 0xE000 <= c < 0xF900))
PY

for weight in Regular Bold; do
	pyftsubset "$from/NotoSansCJK-$weight.ttc" --font-number=0 --unicodes-file="$list" \
		--layout-features= --no-hinting --drop-tables+=vhea,vmtx,VORG,BASE,GPOS,GSUB,GDEF \
		--name-IDs=0,1,2,3,4,5,6,13,14 --notdef-outline --output-file="NotoSansCJKjp-$weight.otf"
done
