#!/bin/sh
# Takes the pictures of the documentation from the real window: sh scripts/screenshots.sh PYTHON FOLDER [SCENE …]
# With no display, on a virtual screen.
set -eu
python=$1
folder=$2
shift 2

if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$python" scripts/screenshots.py "$folder" "$@"
fi
command -v xvfb-run >/dev/null 2>&1 || { echo "xvfb-run is missing. Install it with: sudo apt-get install xvfb xauth"; exit 1; }
exec xvfb-run -a -s "-screen 0 1600x900x24" "$python" scripts/screenshots.py "$folder" "$@"
