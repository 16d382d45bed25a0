# Destinations under kill -9, with peers that fail, hang, reset and slow down. The long run: PROOFS_LONG=1 (200 rounds).
set -euo pipefail
python3 engine/server/proofs/destinations.py --rounds "$([ -n "${PROOFS_LONG:-}" ] && echo 200 || echo 20)"
