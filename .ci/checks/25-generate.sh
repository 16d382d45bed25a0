# A synthetic hospital's feeds: the same bytes on any number of threads, every message answered as it must be by the
# real binary, FHIR as the generator says its feed means, and messages that hl7apy reads. PROOFS_LONG=1: larger.
set -euo pipefail
python3 engine/server/proofs/generate.py --patients "$([ -n "${PROOFS_LONG:-}" ] && echo 20000 || echo 1500)"
