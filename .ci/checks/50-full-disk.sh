# A disk that fills up, a supervisor that restarts on it, and space that returns.
set -euo pipefail
python3 engine/server/proofs/full_disk.py --rounds "$([ -n "${SLUICE_LONG:-}" ] && echo 20 || echo 1)" || [ $? -eq 77 ]
