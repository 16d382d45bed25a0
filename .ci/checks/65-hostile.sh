# Attacks on the release binary: malformed messages, floods, lying requests, limits, clocks, damage.
set -euo pipefail
python3 engine/server/proofs/hostile.py ${PROOFS_LONG:+--long}
