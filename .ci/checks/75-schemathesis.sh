# Schemathesis on the OpenAPI of what is no FHIR, and on what the CapabilityStatements promise: no 5xx.
set -euo pipefail
python3 engine/server/proofs/fuzz.py "${TMPDIR:-/tmp}/sluice-peers" --cases "$([ -n "${PROOFS_LONG:-}" ] && echo 200 || echo 10)" || [ $? -eq 77 ]
