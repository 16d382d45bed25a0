# A watched folder under kill -9, and HL7 over HTTP. The long run: PROOFS_LONG=1 (200 rounds).
set -euo pipefail
python3 engine/server/proofs/sources.py --rounds "$([ -n "${PROOFS_LONG:-}" ] && echo 200 || echo 10)"
