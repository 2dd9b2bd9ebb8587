#!/usr/bin/env bash
# The Python environment of the interop suites: a virtual environment in the cache folder, made once.
# Prints its interpreter; give it to the suites as PAIRLOOM_PYTHON.
set -euo pipefail
folder="${PAIRLOOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pairloom}/interop-python"
packages=(numpy pillow pdqhash webdataset wids pyarrow)
stamp="$folder/.packages"
if [ "$(cat "$stamp" 2>/dev/null)" != "${packages[*]}" ]; then
  python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" 1>&2
  printf '%s' "${packages[*]}" >"$stamp"
fi
echo "$folder/bin/python"
