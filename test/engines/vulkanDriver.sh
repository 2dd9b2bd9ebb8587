#!/usr/bin/env bash
# A Vulkan driver that computes on the CPU, for the webgpu engine's suites on a machine without a GPU: prints the path of
# Mesa's lavapipe, for VK_DRIVER_FILES. Debian 13's is new enough for Dawn; beside Debian 12's, the one of its backports
# is unpacked into the cache folder. Needs libvulkan1 and mesa-vulkan-drivers (for what lavapipe itself needs).
set -euo pipefail
installed=$(ls /usr/share/vulkan/icd.d/lvp_icd*.json 2>/dev/null | head -n 1)
if [ -z "$installed" ]; then
  echo "Mesa's lavapipe is not installed: apt-get install libvulkan1 mesa-vulkan-drivers" 1>&2
  exit 1
fi
. /etc/os-release
if [ "${VERSION_CODENAME:-}" != bookworm ]; then
  echo "$installed"
  exit 0
fi
folder="${PAIRLOOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pairloom}/lavapipe"
library="$folder/usr/lib/$(uname -m)-linux-gnu/libvulkan_lvp.so"
if [ ! -e "$library" ]; then
  fresh=$(mktemp -d)
  trap 'rm -rf "$fresh"' EXIT
  mkdir -p "$fresh/lists/partial" "$fresh/cache/archives/partial" "$fresh/unpacked"
  # Debian's mirror as this machine has it, with the other suite
  mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm-backports main" >"$fresh/sources.list"
  apt=(apt-get -q -o "Dir::Etc::SourceList=$fresh/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$fresh/lists" -o "Dir::Cache=$fresh/cache" -o APT::Sandbox::User=root)
  "${apt[@]}" update 1>&2
  (cd "$fresh" && "${apt[@]}" download mesa-vulkan-drivers 1>&2)
  dpkg -x "$fresh"/mesa-vulkan-drivers_*.deb "$fresh/unpacked"
  mkdir -p "$(dirname "$folder")"
  rm -rf "$folder"
  mv "$fresh/unpacked" "$folder"
fi
# the one that is installed, with the other library
sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"$library\"|" "$folder"/usr/share/vulkan/icd.d/lvp_icd*.json >"$folder/lavapipe.json"
echo "$folder/lavapipe.json"
