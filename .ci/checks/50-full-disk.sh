# A disk that fills up, a supervisor that restarts on it, and space that returns.
set -euo pipefail
python3 engine/server/proofs/full_disk.py --rounds "$([ -n "${PROOFS_LONG:-}" ] && echo 20 || echo 1)" || [ $? -eq 77 ]
