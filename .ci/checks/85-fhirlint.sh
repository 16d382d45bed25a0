# What the mapping makes of every message, in R4 and in R5, before an independent validator (installed by the
# check before this one, where npm is there).
set -euo pipefail
validator="${TMPDIR:-/tmp}/sluice-peers/lint"
if [ ! -d "$validator/npm/pkg" ]; then
  echo "skipped: the validator could not be installed"
  exit 0
fi
SLUICE_FHIRLINT="$validator/fhirlint.mjs" cargo test -p sluice-mappings --test fhir_lint --test fhir_feeds -- --nocapture
