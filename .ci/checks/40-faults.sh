# The k-th write and sync fails. The long run tries every k; otherwise every seventh.
set -euo pipefail
step=$([ -n "${PROOFS_LONG:-}" ] && echo 1 || echo 7)
python3 engine/server/proofs/eio.py --step "$step" || [ $? -eq 77 ]
