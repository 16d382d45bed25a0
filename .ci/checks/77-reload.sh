# Channels changed under load.
set -euo pipefail
python3 engine/server/proofs/reload.py --rounds 100
