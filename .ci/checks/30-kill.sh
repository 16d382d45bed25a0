# kill -9 under eight senders. The long run: PROOFS_LONG=1 (500 rounds).
set -euo pipefail
python3 engine/server/proofs/kill.py --rounds "$([ -n "${PROOFS_LONG:-}" ] && echo 500 || echo 20)"
