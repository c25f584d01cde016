#!/bin/sh
# Installs what Qt's xcb plugin needs on Debian and Ubuntu, as root or with sudo; elsewhere, or without the right, says
# which packages are missing and goes on: on macOS, Windows and other Linux families Qt brings or finds what it needs.
set -eu

[ "$(uname -s)" = Linux ] || exit 0
command -v dpkg-query >/dev/null 2>&1 || exit 0

wanted="libegl1 libgl1 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-image0
libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libdbus-1-3 libfontconfig1 fonts-dejavu-core fonts-noto-cjk"
# A virtual screen is wanted only where there is no real one.
[ -n "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ] || wanted="$wanted xvfb xauth"
python_has_venv() { "${PYTHON:-python3}" -c 'import ensurepip' >/dev/null 2>&1; }
python_has_venv || wanted="$wanted python3-venv"

missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "These system packages are missing and could not be installed without root's rights:$missing"
    echo "Install them with: sudo apt-get install$missing"
    exit 0
fi
echo "Installing system packages:$missing"
$as_root apt-get update -qq
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
