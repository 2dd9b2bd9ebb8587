#!/usr/bin/env bash
# Made the .pem files beside it, once: an authority, and four certificates with one key. For tests on loopback alone.
set -euo pipefail
cd "$(dirname "$0")"
days=36500
openssl ecparam -genkey -name prime256v1 -noout -out key.pem
openssl req -x509 -new -key key.pem -subj "/CN=test authority" -days $days -out authority.pem
make() { # name, host, options
  openssl req -new -key key.pem -subj "/CN=$2" -out request.pem
  openssl x509 -req -in request.pem -CA authority.pem -CAkey key.pem -set_serial "$RANDOM" "${@:3}" \
    -extfile <(printf 'subjectAltName=DNS:%s' "$2") -out "$1.pem"
}
make good good.test -days $days
make otherHost other.test -days $days
make expired good.test -days -1
openssl req -x509 -new -key key.pem -subj "/CN=good.test" -addext "subjectAltName=DNS:good.test" -days $days -out selfSigned.pem
rm request.pem
