#!/bin/sh
# Writes compose/nginx.conf anew from deploy/nginx, for the addresses of compose.yml. Its image has no brotli module.
set -eu
cd "$(dirname "$0")/../.."
"${PYTHON:-.venv/bin/python}" -m deploy.nginx \
    --web one=10.77.0.11:8501 --web two=10.77.0.12:8501 --api 10.77.0.21:8501 \
    --listen 8443 --http-listen 8080 \
    --certificate /run/secrets/tls_certificate --key /run/secrets/tls_key \
    --folder /var/lib/nginx --access-log /dev/stdout --error-log /dev/stderr \
    | grep -v '^load_module ' | grep -v '^    brotli' > deploy/compose/nginx.conf
