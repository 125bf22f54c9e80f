#!/bin/sh
# Writes nginx.conf beside this, from deploy/nginx, for the addresses of compose.yml. Its image has no brotli module.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
"${PYTHON:-python3}" -m deploy.nginx \
    --web one=10.77.0.11:8501 --web two=10.77.0.12:8501 --api 10.77.0.21:8501 \
    --listen 8443 --http-listen 8080 \
    --certificate /run/secrets/tls_certificate --key /run/secrets/tls_key \
    --folder /var/lib/nginx --access-log /dev/stdout --error-log /dev/stderr \
    | grep -v -e '^load_module ' -e '^ *brotli' > "${1:-$here/nginx.conf}"
