#!/bin/sh
# Puts the release build, its icon, its desktop entry and its file type where the user's desktop looks for them.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
program=${1:-$here/../../target/release/citelink}
[ -x "$program" ] || { echo "install.sh: no program at $program: build it with 'cargo build --release' first" >&2; exit 1; }
data=${XDG_DATA_HOME:-$HOME/.local/share}
bin=$HOME/.local/bin
mkdir -p "$bin" "$data/applications" "$data/mime/packages"
install -m 755 "$program" "$bin/citelink"
for size in 32 64 128 256 512; do
  icon=$here/../icon/citelink-$size.png
  [ "$size" = 256 ] && icon=$here/../icon/citelink.png
  mkdir -p "$data/icons/hicolor/${size}x$size/apps"
  install -m 644 "$icon" "$data/icons/hicolor/${size}x$size/apps/citelink.png"
done
install -m 644 "$here/citelink.xml" "$data/mime/packages/citelink.xml"
# The desktop starts programs without the user's PATH, so the entry names the program in full.
sed "s|^Exec=citelink|Exec=\"$bin/citelink\"|" "$here/citelink.desktop" > "$data/applications/citelink.desktop"
command -v update-mime-database > /dev/null && update-mime-database "$data/mime" || true
command -v update-desktop-database > /dev/null && update-desktop-database "$data/applications" || true
echo "Citelink is installed for this user; open it from the applications menu or by double-clicking a .jsonl file"
