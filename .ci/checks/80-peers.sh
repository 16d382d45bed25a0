# Clients of the field, and a FHIR validator over everything that is served.
set -euo pipefail
python3 engine/server/proofs/peers.py ../shared "${TMPDIR:-/tmp}/sluice-peers" || [ $? -eq 77 ]
