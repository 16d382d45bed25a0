# Who gets through a TLS listener, with openssl's client; skipped where there is none.
set -euo pipefail
python3 engine/server/proofs/tls.py || [ $? -eq 77 ]
