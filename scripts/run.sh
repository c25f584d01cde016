#!/bin/sh
# Opens the window. With no display it says so and runs the same window on a virtual screen: it opens the sample MLP,
# runs and steps it, and tells where the pictures are.
set -eu
python=$1
pictures=$2
file=${3:-}

if [ "$(uname -s)" != Linux ] || [ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    exec "$python" -m graphlab ${file:+"$file"}
fi
echo "There is no display here, so GraphLab runs on a virtual screen."
command -v xvfb-run >/dev/null 2>&1 || { echo "xvfb-run is missing. Install it with: sudo apt-get install xvfb xauth"; exit 1; }
exec xvfb-run -a -s "-screen 0 1600x900x24" "$python" -m graphlab.ui.tour --pictures "$pictures" ${file:+"$file"}
